#include "mambascope/model/kernels/autograd.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <vector>

#include "mambascope/error.h"
#include "mambascope/model/kernels/device_kernels.h"

namespace mambascope {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Autograd can save lists of integers, but not structs.
std::vector<int64_t> Flatten(const std::vector<Segment>& segments) {
  std::vector<int64_t> flat;
  for (const Segment& s : segments)
    flat.insert(flat.end(), {s.begin, s.length, s.position, s.carry});
  return flat;
}

std::vector<Segment> Unflatten(const std::vector<int64_t>& flat) {
  std::vector<Segment> segments;
  for (size_t i = 0; i < flat.size(); i += 4)
    segments.push_back({flat[i], flat[i + 1], flat[i + 2], flat[i + 3]});
  return segments;
}

void Save(AutogradContext* context, const Packing& packing) {
  context->saved_data["segments"] = Flatten(packing.segments);
  context->saved_data["kept"] = packing.kept;
}

Packing Saved(AutogradContext* context) {
  return {Unflatten(context->saved_data["segments"].toIntVector()),
          context->saved_data["kept"].toIntVector()};
}

// Second derivatives would need an autograd graph of the backward pass, but it fills plain arrays.
void RefuseSecondOrder() {
  if (c10::GradMode::is_enabled())
    throw Error("the kernels can be differentiated only once",
                "use the reference functions for second derivatives");
}

// Custom autograd functions do not accept undefined tensors, so an empty tensor stands for one.
at::Tensor OrEmpty(const at::Tensor& x, const at::Tensor& like) {
  return x.defined() ? x : at::empty({0}, like.options());
}

// The outputs of a function; `kept` is included only if carries are kept.
variable_list Outputs(const KernelOutput& out, const Packing& packing) {
  return packing.kept.empty() ? variable_list{out.y} : variable_list{out.y, out.kept};
}

// The gradients of the tensors that Outputs returns.
KernelOutput Gradient(const variable_list& gradients) {
  return {gradients[0].contiguous(),
          gradients.size() > 1 ? gradients[1].contiguous() : at::Tensor()};
}

at::Tensor Take(const variable_list& out, at::Tensor& kept) {
  if (out.size() > 1) kept = out[1];
  return out[0];
}

struct ScanFunction : torch::autograd::Function<ScanFunction> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x,
                               const at::Tensor& delta, const at::Tensor& a, const at::Tensor& b,
                               const at::Tensor& c, const at::Tensor& from_in,
                               const Packing& packing) {
    const at::Tensor from = from_in.contiguous();
    const ScanInput in{x.contiguous(), delta.contiguous(), a.contiguous(), b.contiguous(),
                       c.contiguous()};
    const KernelOutput out = FindKernels(in.x)->scan.Forward(in, from, packing);
    context->save_for_backward({in.x, in.delta, in.a, in.b, in.c, from});
    Save(context, packing);
    return Outputs(out, packing);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    RefuseSecondOrder();
    const auto saved = context->get_saved_variables();
    const ScanInput in{saved[0], saved[1], saved[2], saved[3], saved[4]};
    const ScanGradients g =
        FindKernels(in.x)->scan.Backward(in, saved[5], Gradient(gradients), Saved(context));
    return {g.x, g.delta, at::Tensor(), g.b, g.c, g.from, at::Tensor()};
  }
};

struct ConvFunction : torch::autograd::Function<ConvFunction> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x,
                               const at::Tensor& weight_in, const at::Tensor& bias,
                               const at::Tensor& from_in, const Packing& packing) {
    const at::Tensor weight = weight_in.contiguous(), from = from_in.contiguous();
    const KernelOutput out =
        FindKernels(x)->conv.Forward(x.contiguous(), {weight, bias.contiguous()}, from, packing);
    context->save_for_backward({weight, from});
    Save(context, packing);
    return Outputs(out, packing);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    RefuseSecondOrder();
    const auto saved = context->get_saved_variables();
    const ConvGradients g = FindKernels(saved[0])->conv.Backward(
        saved[0], saved[1], Gradient(gradients), Saved(context));
    return {g.x, at::Tensor(), at::Tensor(), g.from, at::Tensor()};
  }
};

}  // namespace

at::Tensor DifferentiableConv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                              const Packing& packing, const at::Tensor& from, at::Tensor& kept) {
  return Take(ConvFunction::apply(x, weight, OrEmpty(bias, x), OrEmpty(from, x), packing), kept);
}

at::Tensor DifferentiableScan(const ScanInput& in, const Packing& packing, const at::Tensor& from,
                              at::Tensor& kept) {
  return Take(ScanFunction::apply(in.x, in.delta, in.a, in.b, in.c, OrEmpty(from, in.x), packing),
              kept);
}

}  // namespace mambascope
