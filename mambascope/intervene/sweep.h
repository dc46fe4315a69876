// Sweep computes many variants of some base runs in one pass up the layers. Run gives the same
// results with a whole pass for each variant.
//
// The models are causal: an intervention changes only layers >= its first layer and tokens >= its
// first token. So each variant is computed as a segment: the tokens from its first changed token to
// the last one that is read. The segment joins at the first layer that a Set, Add or Cut changes,
// and starts from the base run's residual stream there. At each layer it continues from the base
// run's carry at the token before it. Under a cut that carry is computed without the cut's sources.
// The base runs are computed beside their variants, one layer at a time. Only the data that
// segments of the current layer read is kept.
//
//   std::vector<SweepCase> cases;   // p(answer) with each layer's residual restored at one token
//   for (int l = 0; l < model.layers(); ++l) {
//     const at::Tensor value = clean.State({Site::kResid, l}, 0)[token];
//     cases.push_back({0, {Set{{Site::kResid, l, token}, value}}});
//   }
//   at::Tensor last = Sweep(model, {{corrupted}}, cases);
//   at::Tensor p = model.Unembed(last).softmax(1).select(1, answer);
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "mambascope/intervene/sweep_plan.h"
#include "mambascope/model/model.h"

namespace mambascope {

// Returns the last block's output at the tokens that the cases read, in the order of the cases,
// [read, d_model]. The result is differentiable with respect to the tensors of the interventions.
// Throws Error where Run would, and when one case alone needs more than options.memory.
at::Tensor Sweep(const Model& model, const std::vector<SweepBase>& bases,
                 const std::vector<SweepCase>& cases, const SweepOptions& options = {});

// A sweep that is run many times, such as in a search by gradient descent. The base runs are
// computed once, in the constructor. Each call uses the current values of the interventions'
// tensors, which may be changed in place between calls. A call is one pass; options.memory does not
// limit it.
class RepeatedSweep {
 public:
  // Throws Error where Run would. REQUIRES: `model` outlives this object; no gradients through the
  // base runs are needed.
  RepeatedSweep(const Model& model, std::vector<SweepBase> bases, std::vector<SweepCase> cases,
                const SweepOptions& options = {});
  ~RepeatedSweep();

  // Returns the result of Sweep for the cases with these indices.
  at::Tensor operator()(const std::vector<size_t>& cases) const;

 private:
  struct Kept;

  const Model& model_;
  const std::vector<SweepBase> bases_;
  const std::vector<SweepCase> cases_;
  std::unique_ptr<Kept> kept_;
};

}  // namespace mambascope
