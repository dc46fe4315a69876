// RowCut is a knockout in the form that a mixer takes: packed rows, and the tokens of their prompt
// that they do not read.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace mambascope {

enum class MixerKind {
  // A recurrence. Its carry is one state that mixes all earlier tokens.
  kScan,
  // Its carry stores the keys and values of each token separately.
  kAttention,
};

// The paths that a cut severs.
enum class CutKind {
  kMixing,  // the recurrence or the attention
  // Also the convolution, so nothing of the sources reaches the targets. In a mixer without
  // a convolution it acts as kMixing.
  kMixingAndConv,
  // The next two cut transformers as public implementations of Endy et al. 2025 do. In other mixers
  // they act as kMixing.
  // A row with nothing left to read reads every token of the prompt equally, including later ones
  // (GPT-2).
  kEmptyRowsUniform,
  // All rows of the prompt also read later tokens (Llama, Mistral, Qwen).
  kBidirectional,
};

// Tokens that a cut hides. A source that comes after a target has no effect on it.
struct Sources {
  std::vector<int64_t> tokens;  // tokens of the prompt, ascending
  // Bool [Mixer::channels]: the channels of a scan or heads of attention in which the tokens are
  // hidden. Undefined: all.
  at::Tensor channels = {};
  CutKind kind = CutKind::kMixing;
  std::optional<MixerKind> mixers = {};  // the kind of mixer in which they are hidden; none: all
};

// Rows from which one layer's mixer hides the same tokens of their prompt.
struct RowCut {
  size_t segment;
  // Rows of the segment, ascending; a row is in at most one cut of a layer.
  std::vector<int64_t> to;
  std::vector<Sources> hidden;
  // Slot of the carry at the token before the segment, computed without the hidden tokens; -1 at
  // the prompt's start.
  int64_t carry = -1;
  // Rows, ascending, after which the carry without the hidden tokens is kept. Its slots follow
  // those of Packing::kept, in the order of the cuts.
  std::vector<int64_t> kept = {};
};

}  // namespace mambascope
