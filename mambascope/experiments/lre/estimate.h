// Making a relation's operator from a few prompts that ask for it (Hernandez et al. 2023, equation
// 4), and the operators that it is measured against (section 4.1; appendix of Sharma et al. 2024).
//
//   W = mean_i J_i      b = mean_i (z_i - J_i h_i)      J_i = d z / d h at the subject's last token
//   in prompt i
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "mambascope/experiments/lre/jacobian.h"
#include "mambascope/experiments/lre/operator.h"

namespace mambascope {

struct LreEstimate {
  std::vector<int> layers;
  at::Tensor w;  // [layer, d_model, d_model]
  at::Tensor b;  // [layer, d_model]
  at::Tensor h;  // [layer, prompt, d_model]
  at::Tensor z;  // [prompt, d_model]
  // Of each prompt, W h and b by the operator that the other prompts make: what beta and the layer
  // can be chosen on without a test sample. Undefined for one prompt. [layer, prompt, d_model]
  at::Tensor held_out_wh, held_out_b;

  // The operator of layers[i].
  LreOperator Operator(size_t i, double beta = 1) const;
};

// At the outputs of blocks `layers`, all from the same backward sweeps; `done` is called after each
// prompt. Holds two sets of Jacobians of layers x d_model^2 floats beside options.memory. Throws
// Error as Jacobians does. REQUIRES: at least one prompt and one layer
LreEstimate EstimateLre(const Model& model, const std::vector<PromptToken>& prompts,
                        const std::vector<int>& layers, const JacobianOptions& options = {},
                        const std::function<void()>& done = {});

// z = h + mean(z_i - h_i). h and z [prompt, d_model]
LreOperator TranslationOperator(int layer, const at::Tensor& h, const at::Tensor& z);

// The least-squares map from h_i to z_i with a bias; of the many that fit a few prompts exactly,
// that of the smallest W. (The public implementation takes 100 steps of Adam from a random W, at
// the embedding alone.) h and z [prompt, d_model]
LreOperator RegressionOperator(int layer, const at::Tensor& h, const at::Tensor& z);

}  // namespace mambascope
