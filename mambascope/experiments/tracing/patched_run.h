// What a model says after one fact: in the clean run, in the corrupted run, and in the patched run
// of one cell of a trace. A trace reads only p(answer) of these distributions.
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/experiments/tracing/restored_window.h"

namespace mambascope {

// Next-token distributions after the last token, [vocab], on the CPU. The corrupted and the patched
// ones are means over the noise samples.
struct PatchedRun {
  at::Tensor clean, corrupted, patched;
};

// Restores the states of `at` around `layer` at the clean prompt's token `token`. Site::kEmbed has
// layer 0 only. Throws Error as RunFacts does, for a token that the clean prompt lacks or that has
// no counterpart in the corrupted prompt, and for a layer that lacks the site.
PatchedRun RunPatched(const Model& model, const FactPair& pair, const std::optional<Noise>& noise,
                      const TracedSite& at, int layer, int64_t token,
                      const SweepOptions& options = {});

}  // namespace mambascope
