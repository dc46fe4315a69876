// A mixer is the part of a layer that passes information between tokens. Mixer holds the properties
// that experiments need.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "mambascope/model/kernels/row_cut.h"

namespace mambascope {

struct Mixer {
  MixerKind kind;
  int64_t channels;          // number of entries of a cut's mask (Sources::channels)
  const char* channel_name;  // the meaning of a mask entry: "channel" or "head"
  // The unit that has its own token-to-token matrix (mixing.h): "channel" or "head".
  const char* matrix_name;
  bool has_conv = false;  // whether a convolution also passes information between tokens
  // The kind of cut that the public implementation of Endy et al. 2025 makes in it.
  CutKind published = CutKind::kMixing;
  // Scan: A of each matrix, [d_state or 1, matrices], negative.
  at::Tensor decay = {};
};

// Returns the first mixer of this kind, if any.
std::optional<Mixer> FindMixer(const std::vector<Mixer>& mixers, MixerKind kind);

// `decay` is [d_state or 1, matrices].
Mixer ScanMixer(int64_t channels, const char* matrix_name, const at::Tensor& decay);
Mixer AttentionMixer(int64_t heads, CutKind published);

}  // namespace mambascope
