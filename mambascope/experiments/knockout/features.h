// Divides the channels of a Mamba's recurrences into three groups by how fast they forget. A
// feature knockout (Endy et al. 2025; RowCut::channels) cuts only one of the groups.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

// The score of a channel (Mamba-1) or head (Mamba-2) is the share of its states that is left after
// one step, summed over the states:
//   score_d = sum over n of exp(delta_d A_dn)
// Channels with low scores forget fast. FeatureRank selects delta_d.
enum class FeatureRank {
  kDecay,  // delta_d = 1, as in the public implementation; needs the weights only
  kStep,   // delta_d = the channel's mean step size over all tokens of some texts
};

// Masks by layer, bool [d_inner], for Cut.channels; undefined for a layer without a scan. All
// channels of a Mamba-2 head are in one group. With n = floor(channels or heads / 3):
struct FeatureGroups {
  std::vector<at::Tensor> fast;  // the n lowest scores
  std::vector<at::Tensor> mid;   // the rest
  std::vector<at::Tensor> slow;  // the n highest scores
};

// The scores by layer, float64 [channels or heads], undefined for a layer without a scan. `texts`
// are prompts as token ids; kDecay ignores them. Throws Error for a model without a scan (a
// transformer), and when kStep gets no text.
std::vector<at::Tensor> FeatureScores(const Model& model, FeatureRank rank,
                                      const std::vector<std::vector<int64_t>>& texts);

// Groups the channels by these scores. Channels of equal score are ordered by index.
FeatureGroups RankFeatures(const Model& model, FeatureRank rank,
                           const std::vector<std::vector<int64_t>>& texts);

}  // namespace mambascope
