// MLPs.
#pragma once

#include <functional>
#include <memory>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/ops.h"
#include "mambascope/model/part.h"
#include "mambascope/model/weights.h"

namespace mambascope {

// The hidden layer of an MLP, y [row, d_model] -> [row, width].
using HiddenLayer = std::function<at::Tensor(const at::Tensor& y)>;

// W_down hidden(y). `transposed` says whether the checkpoint stores W_down as [in, out].
std::unique_ptr<Part> MakeMlp(HiddenLayer hidden, Projection down, bool transposed = false);

// act(W_up y)
HiddenLayer PlainHidden(Activation activation, Projection up);
// act(gate_scale W_gate y) * W_up y, of the gated MLP (Shazeer 2020; SwiGLU with SiLU).
HiddenLayer GatedHidden(Activation activation, Projection gate, Projection up,
                        double gate_scale = 1);

// A gated MLP with the projections gate_proj, up_proj and down_proj of `w`, as in Llama; an MLP
// without a gate has the last two.
std::unique_ptr<Part> LoadGatedMlp(const MlpConfig& config, int64_t d_model, const Weights& w);
std::unique_ptr<Part> LoadMlp(const MlpConfig& config, int64_t d_model, const Weights& w);

}  // namespace mambascope
