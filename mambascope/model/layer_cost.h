// A LayerCost estimates how much memory a layer's computation takes. It is made of the widths of
// what is alive at one time.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

#include "mambascope/checkpoint/config.h"

namespace mambascope {

// All numbers are in bytes.
struct LayerCost {
  int64_t row =
      0;  // what one row takes while the layer computes it, and what a differentiated row keeps
  int64_t pair = 0;  // each pair of tokens of a whole prompt: attention scores
  int64_t slot = 0;  // a carry slot of a scan; attention's keys and values are counted by token
  int64_t walked_row = 0;       // a row that a scan walks once more for a cut
  int64_t keys_and_values = 0;  // what one token hands to the later ones in attention
};

// Estimates the cost of a Mamba block without an MLP. Off the CPU kernels a step of the scan holds
// about 5 carries of every segment, and a segment may be one row.
LayerCost MambaCost(const Config& config, at::Device device);
// Estimates the cost of a transformer's block.
LayerCost TransformerCost(const Config& config);

}  // namespace mambascope
