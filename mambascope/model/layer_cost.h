// LayerCost estimates the memory that computing a layer takes, from the widths of the tensors that
// exist at one time.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

#include "mambascope/checkpoint/config.h"

namespace mambascope {

// All values are in bytes.
struct LayerCost {
  // One row while the layer computes it. A differentiated row keeps as much.
  int64_t row = 0;
  int64_t pair = 0;  // attention scores of one pair of tokens of a whole prompt
  int64_t slot = 0;  // one carry slot of a scan; attention's keys and values are counted per token
  int64_t walked_row = 0;       // one row that a scan computes again for a cut
  int64_t keys_and_values = 0;  // attention's keys and values of one token
};

// Estimates the cost of a Mamba block without an MLP. Without the CPU kernels, a step of the scan
// holds about 5 carries for every segment. The estimate assumes segments of one row.
LayerCost MambaCost(const Config& config, at::Device device);
// Estimates the cost of a transformer block.
LayerCost TransformerCost(const Config& config);

}  // namespace mambascope
