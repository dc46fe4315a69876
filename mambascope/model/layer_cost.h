// LayerCost estimates the memory that computing a layer takes, from the widths of the tensors that
// exist at one time.
#pragma once

#include <cstdint>

namespace mambascope {

inline constexpr auto kFloatBytes = static_cast<int64_t>(sizeof(float));
// The scores of a pair of tokens and a head, and what is computed of them.
inline constexpr int64_t kPairBytes = 5 * kFloatBytes;

// All values are in bytes.
struct LayerCost {
  // One row while the layer computes it. A differentiated row keeps as much.
  int64_t row = 0;
  // Attention scores of one pair of tokens, kPairBytes for each head. A pass holds ScoresTogether
  // scores at most; one that is differentiated keeps those of all pairs.
  int64_t pair = 0;
  int64_t slot = 0;  // one carry slot of a scan; attention's keys and values are counted per token
  int64_t walked_row = 0;       // one row that a scan computes again for a cut
  int64_t keys_and_values = 0;  // attention's keys and values of one token

  LayerCost& operator+=(const LayerCost& other);
};

}  // namespace mambascope
