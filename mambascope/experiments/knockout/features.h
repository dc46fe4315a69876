// The channels of a Mamba's recurrences in three groups, by how fast they forget: what a knockout
// of features (Endy et al. 2025; RowCut::channels) is restricted to.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

// The score of a channel (Mamba-1) or head (Mamba-2) is what is left in its states after a step,
// summed over them:
//   score_d = sum over n of exp(delta_d A_dn)
// so that low scores forget fast.
enum class FeatureRank {
  kDecay,  // delta = 1, as the public implementation has it: from the weights alone
  kStep,   // delta_d = the channel's mean step size over all tokens of some texts
};

// [layer] -> bool [d_inner], ready for Cut.channels, undefined for a layer without a scan. In
// Mamba-2 all channels of a head are alike. With n = floor(channels or heads / 3):
struct FeatureGroups {
  std::vector<at::Tensor> fast;  // the n of lowest score
  std::vector<at::Tensor> mid;   // the rest
  std::vector<at::Tensor> slow;  // the n of highest score
};

// The scores, float64 [channels or heads] by layer, undefined for a layer without a scan. `texts`
// are token ids, each a prompt; kDecay does not read them. Throws Error for a model without a scan
// (a transformer), and where kStep has no text.
std::vector<at::Tensor> FeatureScores(const Model& model, FeatureRank rank,
                                      const std::vector<std::vector<int64_t>>& texts);

// The groups by these scores; equal scores rank by index.
FeatureGroups RankFeatures(const Model& model, FeatureRank rank,
                           const std::vector<std::vector<int64_t>>& texts);

}  // namespace mambascope
