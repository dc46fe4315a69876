#include "mambascope/model/kernels/elementwise.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

namespace mambascope {
namespace {

// A multiple of the elements that LibTorch's vector instructions compute together.
constexpr int64_t kTogether = 64;
// Elements of a task. LibTorch gives a tensor of this size to one thread.
constexpr int64_t kTask = 16384;

bool InPieces(const at::Tensor& x) { return x.is_cpu() && x.scalar_type() == at::kFloat; }

// Returns the elements of x, and zeros up to a size that is a multiple of kTogether.
at::Tensor Padded(const at::Tensor& x) {
  const at::Tensor flat = x.contiguous().view({-1});
  const int64_t rest = x.numel() % kTogether;
  return rest == 0 ? flat : at::constant_pad_nd(flat, {0, kTogether - rest});
}

// Returns y of the inputs, which have one shape. compute(y, inputs) is called for pieces of them
// whose sizes are multiples of kTogether.
template <typename Compute>
at::Tensor ComputeInPieces(const std::vector<at::Tensor>& inputs, const Compute& compute) {
  std::vector<at::Tensor> padded;
  for (const at::Tensor& x : inputs) padded.push_back(Padded(x));
  const at::Tensor y = at::empty_like(padded[0]);
  at::parallel_for(0, (y.numel() + kTask - 1) / kTask, 1, [&](int64_t first, int64_t last) {
    const c10::NoGradGuard no_grad;
    for (int64_t task = first; task < last; ++task) {
      const auto piece = [&](const at::Tensor& x) {
        return x.slice(0, task * kTask, std::min((task + 1) * kTask, y.numel()));
      };
      std::vector<at::Tensor> pieces;
      for (const at::Tensor& x : padded) pieces.push_back(piece(x));
      at::Tensor to = piece(y);
      compute(to, pieces);
    }
  });
  return y.slice(0, 0, inputs[0].numel()).view(inputs[0].sizes());
}

// A function f. Value writes f(x) to y; Gradient writes dL/dx to gx, from dL/dy and `saved`, which
// is x or f(x).
struct SiluFunction {
  static constexpr bool kSavesValue = false;
  static void Value(at::Tensor& y, const at::Tensor& x) { at::silu_out(y, x); }
  static void Gradient(at::Tensor& gx, const at::Tensor& gy, const at::Tensor& saved) {
    at::silu_backward_out(gx, gy, saved);
  }
};

constexpr char kByErf[] = "none", kByTanh[] = "tanh";
template <const char* kApproximate>
struct GeluFunction {
  static constexpr bool kSavesValue = false;
  static void Value(at::Tensor& y, const at::Tensor& x) { at::gelu_out(y, x, kApproximate); }
  static void Gradient(at::Tensor& gx, const at::Tensor& gy, const at::Tensor& saved) {
    at::gelu_backward_out(gx, gy, saved, kApproximate);
  }
};

struct SigmoidFunction {
  static constexpr bool kSavesValue = true;
  static void Value(at::Tensor& y, const at::Tensor& x) { at::sigmoid_out(y, x); }
  static void Gradient(at::Tensor& gx, const at::Tensor& gy, const at::Tensor& saved) {
    at::sigmoid_backward_out(gx, gy, saved);
  }
};

struct SoftplusFunction {
  static constexpr bool kSavesValue = false;
  static constexpr double kBeta = 1, kThreshold = 20;
  static void Value(at::Tensor& y, const at::Tensor& x) {
    at::softplus_out(y, x, kBeta, kThreshold);
  }
  static void Gradient(at::Tensor& gx, const at::Tensor& gy, const at::Tensor& saved) {
    at::softplus_backward_out(gx, gy, saved, kBeta, kThreshold);
  }
};

template <typename F>
at::Tensor Value(const at::Tensor& x) {
  return ComputeInPieces({x}, [](at::Tensor& y, const auto& in) { F::Value(y, in[0]); });
}

template <typename F>
struct Differentiable : torch::autograd::Function<Differentiable<F>> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x) {
    const at::Tensor y = Value<F>(x);
    context->save_for_backward({F::kSavesValue ? y : x});
    return y;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    return {ComputeInPieces({gradients[0], context->get_saved_variables()[0]},
                            [](at::Tensor& gx, const auto& in) { F::Gradient(gx, in[0], in[1]); })};
  }
};

template <typename F>
at::Tensor Apply(const at::Tensor& x) {
  if (c10::GradMode::is_enabled() && x.requires_grad()) return Differentiable<F>::apply(x);
  return Value<F>(x);
}

}  // namespace

at::Tensor Silu(const at::Tensor& x) { return InPieces(x) ? Apply<SiluFunction>(x) : at::silu(x); }
at::Tensor Gelu(const at::Tensor& x) {
  return InPieces(x) ? Apply<GeluFunction<kByErf>>(x) : at::gelu(x);
}
at::Tensor GeluTanh(const at::Tensor& x) {
  return InPieces(x) ? Apply<GeluFunction<kByTanh>>(x) : at::gelu(x, "tanh");
}
at::Tensor Sigmoid(const at::Tensor& x) {
  return InPieces(x) ? Apply<SigmoidFunction>(x) : at::sigmoid(x);
}
at::Tensor Softplus(const at::Tensor& x) {
  return InPieces(x) ? Apply<SoftplusFunction>(x) : at::softplus(x);
}

}  // namespace mambascope
