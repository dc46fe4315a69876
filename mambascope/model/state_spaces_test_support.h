// A folder of the state-spaces repositories that has Mamba-2 and one layer of attention.
#pragma once

#include <ATen/ATen.h>

#include <string>

#include "mambascope/model/changed_checkpoint_test_support.h"

namespace mambascope {

// The golden folder mamba2-original, whose layer 2 has random attention instead: 3 heads and one
// key head of 10 features, of which 6 turn, after a convolution of 4 taps.
struct Mamba2AttnCheckpoint : ChangedCheckpoint {
  static constexpr int kLayer = 2;
  static constexpr int64_t kHeads = 3, kHeadDim = 10, kRotary = 6, kTaps = 4, kWidth = 50;

  Mamba2AttnCheckpoint() : ChangedCheckpoint("mamba2-original") {
    config["attn_layer_idx"] = {kLayer};
    config["attn_cfg"] = {{"causal", true},         {"d_conv", kTaps},
                          {"head_dim", kHeadDim},   {"num_heads", kHeads},
                          {"num_heads_kv", 1},      {"out_proj_bias", false},
                          {"qkv_proj_bias", false}, {"rotary_emb_dim", kRotary}};
    std::erase_if(tensors, [](const auto& tensor) { return tensor.first.starts_with(Name("")); });
    at::manual_seed(31);
    tensors[Name("in_proj.weight")] = 0.3 * at::randn({kWidth, 48});
    tensors[Name("conv1d.weight")] = 0.5 * at::randn({kWidth, 1, kTaps});
    tensors[Name("conv1d.bias")] = 0.3 * at::randn({kWidth});
    tensors[Name("out_proj.weight")] = 0.3 * at::randn({48, kHeads * kHeadDim});
  }
  // The name of a weight of the layer of attention.
  static std::string Name(const std::string& part) { return "backbone.layers.2.mixer." + part; }
};

}  // namespace mambascope
