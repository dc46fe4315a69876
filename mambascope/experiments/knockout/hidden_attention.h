// Which tokens each token reads inside a mixer, as a matrix over tokens: the softmax's weights of a
// transformer, the hidden attention of a Mamba (Ali, Zimerman & Wolf 2024; model/mixing.h has the
// equation), one per head or channel, and averaged over them.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

struct AttentionOptions {
  std::optional<int64_t> channel = {};  // whose own matrix is kept: a channel (Mamba-1) or a head
  int64_t floats = int64_t{1} << 24;    // of the matrices that are there at a time, a block of
                                        // channels; at least one channel's
};

// Matrices are float32 [to, from] on the CPU, 0 where `from` is after `to`.
struct LayerAttention {
  int layer = 0;
  int64_t channels = 0;  // channels or heads of the layer
  at::Tensor
      mean;  // M, averaged over channels: what several of them move with opposite signs cancels
  at::Tensor absolute;    // |M|, averaged over channels
  at::Tensor normalised;  // `absolute` with every row divided by its sum; rows of nothing stay 0
  at::Tensor channel;     // M of options.channel; undefined: none
  std::string channel_name =
      "channel";  // or "head": what has a matrix of its own here (Mixer::matrix_name)
};

// Of each mixer of each of `layers`, for one prompt; a layer without a mixer is left out. Throws
// Error for an empty prompt, for a layer, channel or id that the model lacks, and where no layer
// has a mixer.
std::vector<LayerAttention> HiddenAttention(const Model& model, const std::vector<int64_t>& ids,
                                            const std::vector<int>& layers,
                                            const AttentionOptions& options = {});

}  // namespace mambascope
