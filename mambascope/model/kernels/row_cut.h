// A RowCut is a knockout as a mixer sees it: which packed rows do not read which tokens of their
// prompt.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace mambascope {

// What a cut severs.
enum class CutKind {
  kMixing,         // what the recurrence or the attention hands on
  kMixingAndConv,  // and what the convolution does: nothing of the sources reaches the targets.
                   // Where there is none: as kMixing
  // As public implementations of Endy et al. 2025 sever transformers; as kMixing in others.
  kEmptyRowsUniform,  // a row with nothing left to read reads every token of the prompt alike,
                      // later ones too (GPT-2)
  kBidirectional,     // all rows of the prompt read later tokens, too (Llama, Mistral, Qwen)
};

// Sources are tokens that a cut hides. A pair with the source after the target has no effect.
struct Sources {
  std::vector<int64_t> tokens;  // of the prompt, ascending
  // Where they are hidden: bool [Mixer::channels], a scan's channels or attention's heads.
  // Undefined: everywhere.
  at::Tensor channels = {};
  CutKind kind = CutKind::kMixing;
};

// The rows of a RowCut see their prompt alike inside one layer's mixer: without some of its tokens.
struct RowCut {
  size_t segment;
  std::vector<int64_t> to;  // rows of the segment, ascending; no row is in two cuts of a layer
  std::vector<Sources> hidden;
  int64_t carry = -1;  // slot of the carry at the token before the segment, as they see it; -1 at
                       // the prompt's start
  std::vector<int64_t> kept =
      {};  // rows, ascending, after which the carry as they see it is kept: in slots after those of
           // Packing::kept, in the order of the cuts
};

}  // namespace mambascope
