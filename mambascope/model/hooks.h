// How a run looks into a model: every layer calls hooks(site, x) at every named state, and goes on with what it gets back.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "mambascope/model/kernels/row_cut.h"
#include "mambascope/model/site.h"

namespace mambascope {

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
  // Of the first `rows` rows of x; the others go on as they are.
  at::Tensor operator()(Site site, const at::Tensor& x, int64_t rows) const;
  std::vector<RowCut> Cuts() const { return hooks_.Cuts(layer_); }

 private:
  Hooks& hooks_;
  int layer_;
};

}  // namespace mambascope
