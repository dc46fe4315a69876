// How a run looks into a model: every layer calls hooks(site, x) at every named state, and goes on with what it gets back.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "mambascope/model/site.h"

namespace mambascope {

// What a cut severs.
enum class CutKind {
  kMixing,         // what the recurrence or the attention hands on
  kMixingAndConv,  // and what the convolution does: nothing of the sources reaches the targets. Where there is none: as kMixing
  // As public implementations of Endy et al. 2025 sever transformers; as kMixing in others.
  kEmptyRowsUniform,  // a row with nothing left to read reads every token of the prompt alike, later ones too (GPT-2)
  kBidirectional,     // all rows of the prompt read later tokens, too (Llama, Mistral, Qwen)
};

// Inside one layer's mixer the rows `to` do not read the rows `from`. A pair in different segments, or with `from` after `to`, has no
// effect.
struct RowCut {
  std::vector<int64_t> from, to;
  // Bool [d_inner] (Mamba) or [heads] (transformers): where the cut acts. Undefined: everywhere.
  at::Tensor channels;
};

class Hooks {
 public:
  virtual ~Hooks() = default;
  // What goes on in place of x [row, width], the states of all packed rows at `place`.
  virtual at::Tensor At(const Place& /*place*/, const at::Tensor& x) { return x; }
  // The cuts in the mixer of `layer`.
  virtual std::vector<RowCut> Cuts(int /*layer*/) { return {}; }
};

// The hooks of one layer, as the layer calls them.
class LayerHooks {
 public:
  LayerHooks(Hooks& hooks, int layer) : hooks_(hooks), layer_(layer) {}
  at::Tensor operator()(Site site, const at::Tensor& x) const { return hooks_.At({site, layer_}, x); }
  std::vector<RowCut> Cuts() const { return hooks_.Cuts(layer_); }

 private:
  Hooks& hooks_;
  int layer_;
};

}  // namespace mambascope
