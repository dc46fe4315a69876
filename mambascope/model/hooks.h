// Hooks are how a run looks into a model. Every layer calls hooks(site, x) at every named state,
// and goes on with what it gets back.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "mambascope/model/kernels/row_cut.h"
#include "mambascope/model/site.h"

namespace mambascope {

class Hooks {
 public:
  virtual ~Hooks() = default;
  // Takes x [row, width], the states of all packed rows at `place`, and returns what the layer goes
  // on with.
  virtual at::Tensor At(const Place& /*place*/, const at::Tensor& x) { return x; }
  // Returns the cuts in the mixers of `layer`.
  virtual std::vector<RowCut> Cuts(int /*layer*/) { return {}; }
};

// LayerHooks are the hooks of one layer, as the layer calls them.
class LayerHooks {
 public:
  LayerHooks(Hooks& hooks, int layer) : hooks_(hooks), layer_(layer) {}
  at::Tensor operator()(Site site, const at::Tensor& x) const {
    return hooks_.At({site, layer_}, x);
  }
  // The first `rows` rows of x pass the hooks; the others go on as they are.
  at::Tensor operator()(Site site, const at::Tensor& x, int64_t rows) const;
  std::vector<RowCut> Cuts() const { return hooks_.Cuts(layer_); }

 private:
  Hooks& hooks_;
  int layer_;
};

}  // namespace mambascope
