// Causal tracing (Sharma et al. 2024, section 3; Meng et al. 2022): a fact is asked of the model
// twice, clean, and corrupted by another subject or by noise on its own. Then one state of the
// clean run at a time is restored in the corrupted run, and p(answer) read. A state that brings the
// answer back knows it.
//
//   IE = (p_patched - p_corrupt) / (p_clean - p_corrupt)        (equation 7)
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/experiments/cells.h"
#include "mambascope/experiments/facts/traced_fact.h"
#include "mambascope/experiments/windows.h"

namespace mambascope {

struct TraceOptions {
  Site site = Site::kResid;
  int window = 1;                   // layers restored together, around the one that a cell names
  std::optional<Noise> noise = {};  // of pairs without another subject
  CellOptions cells = {};
};

// A number per token (or row of tokens) and layer; none where there is nothing to compute it from.
using TraceGrid = std::vector<std::vector<std::optional<double>>>;

struct FactTrace {
  TracedFact fact;
  // p(answer) of the patched run, [token][layer]; with noise the mean over its samples. None where
  // the corrupted prompt has no counterpart of the token, and where the layer lacks the site.
  // Site::kEmbed has one column.
  TraceGrid probs;
  // The same at mixer_out's two inputs, where W_o is isolated and `probs` are of mixer_out; else
  // empty.
  TraceGrid ssm_out = {}, gate = {};
};

// Traces facts, all in one sweep. Where the two prompts begin alike, the states are the same in
// both: those cells are p_corrupt, and not computed. Throws Error when a prompt has no subject, or
// the model no token answer_id.
std::vector<FactTrace> TraceFacts(const Model& model, const std::vector<FactPair>& pairs,
                                  const TraceOptions& options, Audit& audit);

// Traces facts at mixer_out and at both its inputs, so that what W_o adds can be told
// (IsolateOutputProjection). `options.site` plays no part. Throws Error as TraceFacts does, and for
// a model without those sites.
std::vector<FactTrace> TraceMixerParts(const Model& model, const std::vector<FactPair>& pairs,
                                       TraceOptions options, Audit& audit);

}  // namespace mambascope
