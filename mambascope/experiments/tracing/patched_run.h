// Predicts the next token in the clean, the corrupted and the patched run of one fact. A trace
// reads only p(answer) of these distributions.
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/experiments/tracing/restored_window.h"

namespace mambascope {

// Next-token distributions after the last token, [vocab], on the CPU. The corrupted and the patched
// ones are means over the noise samples.
struct PatchedRun {
  at::Tensor clean, corrupted, patched;
};

// The patched run restores one cell of a trace: the states of `at` around `layer`, at token `token`
// of the clean prompt. Site::kEmbed has layer 0 only. Throws Error if the token does not exist or
// has no counterpart in the corrupted prompt, and if the layer lacks the site. Other errors are
// those of RunFacts.
PatchedRun RunPatched(const Model& model, const FactPair& pair, const std::optional<Noise>& noise,
                      const TracedSite& at, int layer, int64_t token,
                      const SweepOptions& options = {});

}  // namespace mambascope
