// The norms at the beginning of a block's sublayers.
#pragma once

#include <string>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/block.h"
#include "mambascope/model/ops.h"
#include "mambascope/model/weights.h"

namespace mambascope {

// NAME.weight [d_model]; config.norm_eps.
inline Norm LoadRmsNorm(const Weights& w, const std::string& name, const Config& config) {
  return [weight = w.Float(name + ".weight", {config.d_model}),
          eps = config.norm_eps](const at::Tensor& h) { return RmsNorm(h, weight, eps); };
}

// NAME.weight and NAME.bias [d_model]; config.norm_eps.
inline Norm LoadLayerNorm(const Weights& w, const std::string& name, const Config& config) {
  return LayerNorm::Load(w, name, config.d_model, config.norm_eps);
}

}  // namespace mambascope
