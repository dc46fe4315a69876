#include "mambascope/experiments/lre/estimate.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "mambascope/model/kernels/product.h"
#include "mambascope/model/threads.h"

namespace mambascope {

LreOperator LreEstimate::Operator(size_t i, double beta) const {
  const auto at = static_cast<int64_t>(i);
  return {layers[i], w[at], b[at], beta};
}

LreEstimate EstimateLre(const Model& model, const std::vector<PromptToken>& prompts,
                        const std::vector<int>& layers, const JacobianOptions& options,
                        const std::function<void()>& done) {
  c10::NoGradGuard no_grad;
  const auto n = static_cast<int64_t>(prompts.size());
  std::set<Place> places;
  for (int l : layers) places.insert(BlockOutput(l));
  const std::map<Place, at::Tensor> states = TokenStates(model, prompts, places);
  std::vector<at::Tensor> h, z;
  for (int l : layers) h.push_back(states.at(BlockOutput(l)));
  LreEstimate result{.layers = layers,
                     .w = {},
                     .b = {},
                     .h = at::stack(h),
                     .z = {},
                     .held_out_wh = {},
                     .held_out_b = {}};
  at::Tensor all;                  // [layer, prompt, d_model], sum over j of J_j h_i
  std::vector<at::Tensor> own, b;  // of each prompt, [layer, d_model]: J_i h_i, b_i
  for (int64_t j = 0; j < n; ++j) {
    const StateJacobians jacobians =
        Jacobians(model, prompts[static_cast<size_t>(j)], layers, options);
    const at::Tensor jh =
        Product(result.h, jacobians.w.transpose(1, 2));  // [layer, prompt, d_model], J_j h_i
    own.push_back(jh.select(1, j));
    b.push_back(jacobians.z - own.back());
    z.push_back(jacobians.z);
    result.w = j == 0 ? jacobians.w : result.w.add_(jacobians.w);
    all = j == 0 ? jh : all + jh;
    if (done) done();
  }
  const at::Tensor b_each = at::stack(b, 1);  // [layer, prompt, d_model]
  result.w.div_(static_cast<double>(n));
  result.b = b_each.mean(1);
  result.z = at::stack(z);
  if (n == 1) return result;
  const auto others = static_cast<double>(n - 1);
  result.held_out_wh = (all - at::stack(own, 1)) / others;
  result.held_out_b = (b_each.sum(1, /*keepdim=*/true) - b_each) / others;
  return result;
}

LreOperator TranslationOperator(int layer, const at::Tensor& h, const at::Tensor& z) {
  return {layer, at::eye(h.size(1), h.options()), (z - h).mean(0)};
}

// W = Z^T (H H^T)^+ H for centred H and Z [prompt, d_model], in float64.
LreOperator RegressionOperator(int layer, const at::Tensor& h, const at::Tensor& z) {
  const OneThread one_thread;
  const at::Tensor h64 = h.to(at::kDouble), z64 = z.to(at::kDouble);
  const at::Tensor hc = h64 - h64.mean(0), zc = z64 - z64.mean(0);
  const at::Tensor w = zc.t().mm(at::linalg_pinv(hc.mm(hc.t()), 1e-10, /*hermitian=*/true)).mm(hc);
  return {layer, w.to(h.scalar_type()), (z64.mean(0) - w.mv(h64.mean(0))).to(h.scalar_type())};
}

}  // namespace mambascope
