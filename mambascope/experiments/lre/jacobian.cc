#include "mambascope/experiments/lre/jacobian.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <map>

#include "mambascope/intervene/check.h"
#include "mambascope/intervene/sweep.h"

namespace mambascope {
namespace {

// Keeps the outputs of the wanted blocks. The lowest one becomes a leaf, so that nothing below it
// is differentiated.
class Outputs : public Hooks {
 public:
  explicit Outputs(const std::vector<int>& layers)
      : lowest_(BlockOutput(*std::min_element(layers.begin(), layers.end()))) {
    for (int l : layers) states_[BlockOutput(l)] = at::Tensor();
  }
  at::Tensor At(const Place& place, const at::Tensor& x) override {
    const auto found = states_.find(place);
    if (found == states_.end()) return x;
    found->second = place == lowest_ ? x.detach().requires_grad_() : x;
    return found->second;
  }
  bool Acts(const Place& place) const override { return states_.contains(place); }
  const at::Tensor& operator[](int layer) const { return states_.at(BlockOutput(layer)); }

 private:
  const Place lowest_;
  std::map<Place, at::Tensor> states_;  // [row, d_model]
};

// Returns the carries at the token before `prompt.token`; none at the prompt's start.
std::vector<Carry> Before(const Model& model, const PromptToken& prompt) {
  if (prompt.token == 0) return {};
  c10::NoGradGuard no_grad;
  return model.CarriesAfter(std::span(prompt.ids).first(static_cast<size_t>(prompt.token)));
}

// Returns how many rows of the Jacobians are computed together. There are enough for large matrix
// products, and not more than fit into the memory.
int64_t RowsTogether(const Model& model, const PromptToken& prompt, const std::vector<int>& layers,
                     const JacobianOptions& options) {
  c10::AutoGradMode grad(true);  // so that the plan counts the memory that gradients keep
  const Place lowest = BlockOutput(*std::min_element(layers.begin(), layers.end()));
  const int64_t d = model.config().d_model,
                length = static_cast<int64_t>(prompt.ids.size()) - prompt.token;
  const Add add{{lowest.site, lowest.layer, prompt.token}, at::zeros({d}).requires_grad_()};
  const SweepPlan one = PlanSweep(model, {{prompt.ids}}, {{0, {add}}}, {.memory = options.memory});
  const SweepPlan two =
      PlanSweep(model, {{prompt.ids}}, {{0, {add}}, {0, {add}}}, {.memory = options.memory});
  const int64_t each =
      std::max<int64_t>(1, two.peak_bytes - one.peak_bytes);  // the difference can be 0 at the top
  const int64_t fit = two.passes > 1 ? 1 : 1 + (options.memory - one.peak_bytes) / each;
  const int64_t best = std::max<int64_t>(1, JacobianRows(model.device()) / length);
  const int64_t passes = (d + std::min(fit, best) - 1) / std::min(fit, best);
  return (d + passes - 1) / passes;
}

// Several copies of the tokens from the prompt's token on, side by side.
struct Copies {
  std::vector<int64_t> ids, first, last;  // tokens; rows of each copy's first and last token
  Packing packing;
};

Copies MakeCopies(const PromptToken& prompt, int64_t copies) {
  Copies result;
  const int64_t length = static_cast<int64_t>(prompt.ids.size()) - prompt.token;
  for (int64_t i = 0; i < copies; ++i) {
    result.ids.insert(result.ids.end(), prompt.ids.begin() + prompt.token, prompt.ids.end());
    result.packing.segments.push_back(
        {i * length, length, prompt.token, prompt.token > 0 ? 0 : -1});
    result.first.push_back(i * length);
    result.last.push_back((i + 1) * length - 1);
  }
  return result;
}

}  // namespace

StateJacobians Jacobians(const Model& model, const PromptToken& prompt,
                         const std::vector<int>& layers, const JacobianOptions& options) {
  CheckPrompts({prompt.ids});
  CheckToken(prompt.token, static_cast<int64_t>(prompt.ids.size()));
  for (int l : layers) CheckPlace(model, BlockOutput(l));
  const int64_t d = model.config().d_model, together = RowsTogether(model, prompt, layers, options);
  const Copies copies = MakeCopies(prompt, together);
  const std::vector<Carry> before = Before(model, prompt);
  c10::AutoGradMode grad(true);
  Outputs outputs(layers);
  const at::Tensor top =
      model.Forward(copies.ids, copies.packing, &outputs, before.empty() ? nullptr : &before);
  const at::Tensor first = RowIndex(copies.first, top), last = RowIndex(copies.last, top);
  const at::Tensor z = top.index_select(0, last);  // [copy, d_model], equal rows
  std::vector<at::Tensor> inputs, h;
  for (int l : layers) inputs.push_back(outputs[l]);
  for (const at::Tensor& x : inputs) h.push_back(x.detach()[0]);

  const at::Tensor identity = at::eye(d, z.options().requires_grad(false));
  StateJacobians result{identity.new_empty({static_cast<int64_t>(layers.size()), d, d}),
                        at::stack(h), z.detach()[0].clone()};
  for (int64_t row = 0; row < d; row += together) {
    const int64_t n = std::min(together, d - row);
    const at::Tensor cotangents =
        at::constant_pad_nd(identity.narrow(0, row, n), {0, 0, 0, together - n});
    const auto gradients =
        torch::autograd::grad({z}, inputs, {cotangents}, /*retain_graph=*/row + n < d);
    for (size_t i = 0; i < layers.size(); ++i)
      result.w[static_cast<int64_t>(i)].narrow(0, row, n).copy_(
          gradients[i].index_select(0, first.narrow(0, 0, n)));
  }
  return result;
}

}  // namespace mambascope
