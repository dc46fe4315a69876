// Makes a relation's operator from a few prompts that ask for it (Hernandez et al. 2023, equation
// 4). Also makes the operators that it is compared with (section 4.1; appendix of Sharma et al.
// 2024).
//
//   W = mean_i J_i      b = mean_i (z_i - J_i h_i)
//
// J_i = d z / d h at the subject's last token in prompt i.
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
  // W h and b for each prompt, by the operator of the other prompts: [layer, prompt, d_model]. Beta
  // and the layer can be chosen on them without a test sample. Undefined for a single prompt.
  at::Tensor held_out_wh, held_out_b;

  // The operator of layers[i].
  LreOperator Operator(size_t i, double beta = 1) const;
};

// Makes the operators at the outputs of blocks `layers`, all from the same backward passes. Calls
// `done` after each prompt. Beside options.memory, it holds two sets of Jacobians, each of layers x
// d_model^2 floats. Throws Error when Jacobians does. REQUIRES: at least one prompt and one layer
LreEstimate EstimateLre(const Model& model, const std::vector<PromptToken>& prompts,
                        const std::vector<int>& layers, const JacobianOptions& options = {},
                        const std::function<void()>& done = {});

// The operator z = h + mean(z_i - h_i). h and z are [prompt, d_model].
LreOperator TranslationOperator(int layer, const at::Tensor& h, const at::Tensor& z);

// The least-squares map from h_i to z_i with a bias. When many maps fit the prompts exactly, it is
// the one with the smallest W. The public implementation instead takes 100 steps of Adam from a
// random W, at the embedding only. h and z are [prompt, d_model].
LreOperator RegressionOperator(int layer, const at::Tensor& h, const at::Tensor& z);

}  // namespace mambascope
