// A finding is the one or two sentences that a page shows above a figure: what the result's numbers
// say, made from these numbers. It is empty where there is nothing to say, as without facts. An
// interval is left out if it has no width, because values that all agree do not show how certain
// their mean is.
#pragma once

#include <string>

#include "mambascope/experiments/editing/edit_sweep.h"
#include "mambascope/experiments/editing/mass_edit.h"
#include "mambascope/experiments/editing/moments_result.h"
#include "mambascope/experiments/editing/one_edit.h"
#include "mambascope/experiments/knockout/attention_result.h"
#include "mambascope/experiments/knockout/knockout_result.h"
#include "mambascope/experiments/lre/lre_summary.h"
#include "mambascope/experiments/tracing/paths_result.h"
#include "mambascope/experiments/tracing/trace_result.h"

namespace mambascope {

// Where the subject's tokens have the largest average effect, and from which layer on the last
// token has at least half of it. With --isolate: where mixer_out adds most to the effects of its
// inputs.
std::string TraceFinding(const TraceResult& result);

// The held part that lowers the effect most, the layer, and the parts that change nothing.
std::string PathsFinding(const PathsResult& result);

// The projection and layer with the highest S, and the best layers of the other projections.
std::string EditSweepFinding(const EditSweepResult& sweep);

// S for the fewest and the most edits, and how many edits keep it near its best.
std::string MassEditFinding(const MassEditResult& result);

// What the edit took, and what it did to p(target). The model says the target or does not.
std::string OneEditFinding(const OneEditResult& edit);

// The flow and the window whose cut (or mean ablation) lowers p(answer) most, and the source that
// comes next.
std::string KnockoutFinding(const KnockoutResult& result);

// The earlier token that the last token reads most. REQUIRES: `layer` is one of result.layers.
std::string AttentionFinding(const AttentionResult& result, const LayerAttention& layer);

// The mean faithfulness, the relations with the lowest and the highest, and the best layer.
std::string LreFinding(const LreResult& lre);

// How much C^-1 k still changed at the end of the text, where it changed most.
std::string MomentsFinding(const MomentsResult& result);

}  // namespace mambascope
