// MLPs.
#pragma once

#include <memory>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/ops.h"
#include "mambascope/model/part.h"

namespace mambascope {

// W_down act(W_up y). `transposed` says whether the checkpoint stores W_down as [in, out].
std::unique_ptr<Part> MakeMlp(Activation activation, Projection up, Projection down,
                              bool transposed = false);

// W_down (act(W_gate y) * W_up y), the gated MLP of Shazeer 2020 (SwiGLU with SiLU).
std::unique_ptr<Part> MakeGatedMlp(Activation activation, Projection gate, Projection up,
                                   Projection down);

}  // namespace mambascope
