// The tables of results (--table): a row per cell, with its keys. Columns are named as the keys of
// the result files; docs/cli/ lists those of each command.
#pragma once

#include <vector>

#include "mambascope/experiments/editing/edit_sweep.h"
#include "mambascope/experiments/editing/mass_edit.h"
#include "mambascope/experiments/editing/moments_result.h"
#include "mambascope/experiments/editing/one_edit.h"
#include "mambascope/experiments/knockout/attention_result.h"
#include "mambascope/experiments/knockout/knockout_result.h"
#include "mambascope/experiments/lre/lre_summary.h"
#include "mambascope/experiments/tracing/paths_result.h"
#include "mambascope/experiments/tracing/trace_result.h"
#include "mambascope/reports/table.h"

namespace mambascope {

// A row per model, site, fact, token and layer.
Table MakeTable(const TraceResults& results);
// A row per model, token, fact, condition and layer.
Table MakeTable(const PathsResults& results);
// A row per fact, flow and window; then of the heat map per token and window, and of the
// decomposition per layer and token.
Table MakeTable(const std::vector<KnockoutResult>& results);
// A row per layer, reading token, and token that it reads: itself or an earlier one.
Table MakeTable(const AttentionResult& result);
// A row per moments and number of tokens at which their convergence was measured, at least one.
Table MakeTable(const MomentsResult& result);
// A row per pass of the search, then per token that the model says before and after the edit.
Table MakeTable(const OneEditResult& result);
// A row per record and edit, after one of the unedited model.
Table MakeTable(const EditSweepResult& result);
// A row per number of edits, then per record, each for the unedited and the edited model.
Table MakeTable(const MassEditResult& result);
// A row per relation, trial and layer. What was skipped has a row that says why.
Table MakeTable(const LreResult& result);

}  // namespace mambascope
