// A mixer is the part of a layer that hands something from token to token. A Mixer says what
// experiments must know of it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/kernels/row_cut.h"

namespace mambascope {

enum class MixerKind {
  kScan,       // a recurrence: its carry is one state, in which the tokens before are mixed
  kAttention,  // its carry holds every token apart
};

struct Mixer {
  MixerKind kind;
  int64_t channels;          // entries of a cut's mask (Sources::channels)
  const char* channel_name;  // "channel" or "head": what an entry of the mask is
  const char* matrix_name;   // "channel" or "head": what has a token-to-token matrix (mixing.h)
  bool has_conv = false;     // whether a convolution hands something on, too
  CutKind published =
      CutKind::kMixing;   // how the public implementation of Endy et al. 2025 cuts it
  at::Tensor decay = {};  // of a scan: A of each matrix, [d_state or 1, matrices], negative
};

// Returns the first mixer of this kind, if there is one.
std::optional<Mixer> FindMixer(const std::vector<Mixer>& mixers, MixerKind kind);

// These make the mixers of the architectures.
//   decay [d_state or 1, matrices]
Mixer ScanMixer(const Config& config, const char* matrix_name, const at::Tensor& decay);
Mixer AttentionMixer(const Config& config, CutKind published);

}  // namespace mambascope
