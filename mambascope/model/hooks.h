// Hooks let a run read and change the states of a model. A layer calls hooks(site, x) at each named
// state where the hooks act, and continues with the returned value.
#pragma once

#include <ATen/core/Tensor.h>

#include <initializer_list>
#include <vector>

#include "mambascope/model/kernels/row_cut.h"
#include "mambascope/model/site.h"

namespace mambascope {

class Hooks {
 public:
  virtual ~Hooks() = default;
  // Receives x [row, width], the states of all packed rows at `place`. Returns the states with
  // which the layer continues.
  virtual at::Tensor At(const Place& /*place*/, const at::Tensor& x) { return x; }
  // Returns whether At may read or change the states at `place`. Where this is false, a layer may
  // skip the call of At, or call it with states that are rounded to bfloat16.
  virtual bool Acts(const Place& /*place*/) const { return true; }
  // Returns the cuts in the mixers of `layer`.
  virtual std::vector<RowCut> Cuts(int /*layer*/) { return {}; }
};

// Hooks that neither read nor change anything.
class NoHooks : public Hooks {
 public:
  bool Acts(const Place& /*place*/) const override { return false; }
};

// The hooks of one layer, in the form that the layer calls.
class LayerHooks {
 public:
  LayerHooks(Hooks& hooks, int layer) : hooks_(hooks), layer_(layer) {}
  at::Tensor operator()(Site site, const at::Tensor& x) const {
    return hooks_.At({site, layer_}, x);
  }
  // Passes only the first `rows` rows of x to the hooks; the other rows stay as they are.
  at::Tensor operator()(Site site, const at::Tensor& x, int64_t rows) const;
  // Returns whether the hooks act at one or more of these sites of the layer.
  bool Act(std::initializer_list<Site> sites) const;
  std::vector<RowCut> Cuts() const { return hooks_.Cuts(layer_); }
  // Returns the cuts in a mixer of this kind. A cut of another kind stays, and hides nothing.
  std::vector<RowCut> Cuts(MixerKind kind) const;

 private:
  Hooks& hooks_;
  int layer_;
};

}  // namespace mambascope
