// MLPs.
#pragma once

#include <memory>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/ops.h"
#include "mambascope/model/part.h"
#include "mambascope/model/weights.h"

namespace mambascope {

// W_down act(W_up y). `transposed` says whether the checkpoint stores W_down as [in, out].
std::unique_ptr<Part> MakeMlp(Activation activation, Projection up, Projection down,
                              bool transposed = false);

// W_down (act(gate_scale W_gate y) * W_up y), the gated MLP of Shazeer 2020 (SwiGLU with SiLU).
std::unique_ptr<Part> MakeGatedMlp(Activation activation, Projection gate, Projection up,
                                   Projection down, double gate_scale = 1);

// A gated MLP with the projections gate_proj, up_proj and down_proj of `w`, as in Llama; an MLP
// without a gate has the last two.
std::unique_ptr<Part> LoadGatedMlp(const MlpConfig& config, int64_t d_model, const Weights& w);
std::unique_ptr<Part> LoadMlp(const MlpConfig& config, int64_t d_model, const Weights& w);

}  // namespace mambascope
