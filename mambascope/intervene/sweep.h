// Sweep computes many variants of some base runs in one pass up the layers.
//
// The models are causal: an intervention changes only layers >= its first layer and tokens >= its
// first token. So a variant is computed as a segment: the tokens from its first one to the last
// that is read. The segment joins at the first layer that a Set, Add or Cut changes, with the base
// run's residual, and continues from the base run's carry at the token before. Under a cut it
// continues from the carry that the sources wrote nothing to. The base runs go up beside their
// variants, one layer at a time; nothing of them is kept but what the layer's segments read. Run
// computes the same by one whole pass per variant.
//
//   std::vector<SweepCase> cases;   // p(answer) with each layer's residual restored at one token
//   for (int l = 0; l < model.layers(); ++l) {
//     cases.push_back({0, {Set{{Site::kResid, l, token}, clean.State({Site::kResid, l},
//     0)[token]}}});
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

// Returns the last block's output at the tokens that the cases read, in their order, [read,
// d_model]. It can be differentiated with respect to the tensors of the interventions. Throws Error
// for what Run would refuse, and where one case alone takes more than options.memory.
at::Tensor Sweep(const Model& model, const std::vector<SweepBase>& bases,
                 const std::vector<SweepCase>& cases, const SweepOptions& options = {});

// A RepeatedSweep runs many times, as a search by gradient descent needs it; the base runs are
// computed once. Each call goes up with what the tensors of the interventions hold by then, so they
// may be changed in place between calls. One call is one pass, whatever it takes.
class RepeatedSweep {
 public:
  // Throws Error for what Run would refuse. REQUIRES: `model` outlives this; base runs without
  // gradients.
  RepeatedSweep(const Model& model, std::vector<SweepBase> bases, std::vector<SweepCase> cases,
                const SweepOptions& options = {});
  ~RepeatedSweep();

  // What Sweep returns of these cases, given by their indices.
  at::Tensor operator()(const std::vector<size_t>& cases) const;

 private:
  struct Kept;

  const Model& model_;
  const std::vector<SweepBase> bases_;
  const std::vector<SweepCase> cases_;
  std::unique_ptr<Kept> kept_;
};

}  // namespace mambascope
