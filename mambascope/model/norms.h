// The norms of a block's sublayers.
#pragma once

#include <string>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/block.h"
#include "mambascope/model/ops.h"
#include "mambascope/model/weights.h"

namespace mambascope {

// NAME.weight [width]; config.norm_eps.
inline Norm LoadRmsNorm(const Weights& w, const std::string& name, const Config& config,
                        int64_t width) {
  at::Tensor weight = w.Float(name + ".weight", {width});
  if (config.norm_offset != 0) weight = weight + config.norm_offset;
  return [weight, eps = config.norm_eps](const at::Tensor& h, at::ScalarType as) {
    return RmsNorm(h, weight, eps, as);
  };
}
inline Norm LoadRmsNorm(const Weights& w, const std::string& name, const Config& config) {
  return LoadRmsNorm(w, name, config, config.d_model);
}

inline PostNorm LoadPostNorm(const Weights& w, const std::string& name, const Config& config) {
  return {w.Float(name + ".weight", {config.d_model}) + config.norm_offset, config.norm_eps};
}

// NAME.weight and NAME.bias [d_model]; config.norm_eps.
inline Norm LoadLayerNorm(const Weights& w, const std::string& name, const Config& config) {
  return [norm = LayerNorm::Load(w, name, config.d_model, config.norm_eps)](
             const at::Tensor& h, at::ScalarType /*as*/) { return norm(h); };
}

}  // namespace mambascope
