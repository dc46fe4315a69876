#include "mambascope/model/kernels/ssm_cpu.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "mambascope/error.h"
#include "mambascope/model/kernels/ssm_kernels.h"

namespace mambascope {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Autograd saves lists of integers, not structs.
std::vector<int64_t> Flatten(const std::vector<Segment>& segments) {
  std::vector<int64_t> flat;
  for (const Segment& s : segments) flat.insert(flat.end(), {s.begin, s.length, s.position, s.carry});
  return flat;
}

std::vector<Segment> Unflatten(const std::vector<int64_t>& flat) {
  std::vector<Segment> segments;
  for (size_t i = 0; i < flat.size(); i += 4) segments.push_back({flat[i], flat[i + 1], flat[i + 2], flat[i + 3]});
  return segments;
}

void Save(AutogradContext* context, const Packing& packing) {
  context->saved_data["segments"] = Flatten(packing.segments);
  context->saved_data["kept"] = packing.kept;
}

Packing Saved(AutogradContext* context) {
  return {Unflatten(context->saved_data["segments"].toIntVector()), context->saved_data["kept"].toIntVector()};
}

// Gradients of gradients would need a graph of the backward pass, which fills plain arrays.
void RefuseSecondOrder() {
  if (c10::GradMode::is_enabled())
    throw Error("the CPU kernels differentiate once", "differentiate the reference for gradients of gradients");
}

// [row]: the slot of the kept carry after that row, or -1.
std::vector<int64_t> KeptSlots(const Packing& packing) {
  std::vector<int64_t> slots(static_cast<size_t>(packing.rows()), -1);
  for (size_t i = 0; i < packing.kept.size(); ++i) slots[static_cast<size_t>(packing.kept[i])] = static_cast<int64_t>(i);
  return slots;
}

const float* Slot(const at::Tensor& carry, int64_t slot) { return slot < 0 ? nullptr : carry.data_ptr<float>() + slot * carry.stride(0); }

// Custom autograd functions take no undefined tensors: an empty one stands for it.
at::Tensor OrEmpty(const at::Tensor& x, const at::Tensor& like) { return x.defined() ? x : at::empty({0}, like.options()); }

int64_t KeptCount(const Packing& packing) { return static_cast<int64_t>(packing.kept.size()); }

// ---- the scan

std::vector<ChannelBlock> Blocks(int64_t d_inner, int64_t groups) {
  std::vector<ChannelBlock> blocks;
  const int64_t width = d_inner / groups;
  for (int64_t g = 0; g < groups; ++g) {
    for (int64_t d = 0; d < width; d += kScanBlock) blocks.push_back({g * width + d, std::min(kScanBlock, width - d), g});
  }
  return blocks;
}

// REQUIRES: all contiguous.
ScanArrays Arrays(const ScanInput& in) {
  return {in.x.size(1),           in.b.size(2),           in.b.size(1),
          in.a.size(0) > 1,       in.x.data_ptr<float>(), in.delta.data_ptr<float>(),
          in.a.data_ptr<float>(), in.b.data_ptr<float>(), in.c.data_ptr<float>()};
}

struct ScanFunction : torch::autograd::Function<ScanFunction> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x_in, const at::Tensor& delta_in, const at::Tensor& a_in,
                               const at::Tensor& b_in, const at::Tensor& c_in, const at::Tensor& from_in, const Packing& packing) {
    const at::Tensor from = from_in.contiguous();
    const ScanInput in{x_in.contiguous(), delta_in.contiguous(), a_in.contiguous(), b_in.contiguous(), c_in.contiguous()};
    const ScanArrays arrays = Arrays(in);
    at::Tensor y = at::empty_like(in.x);
    at::Tensor kept = at::empty({KeptCount(packing), arrays.d_state, arrays.d_inner}, in.x.options());
    const std::vector<int64_t> slots = KeptSlots(packing);
    const std::vector<ChannelBlock> blocks = Blocks(arrays.d_inner, arrays.groups);
    const auto tasks = static_cast<int64_t>(blocks.size() * packing.segments.size());
    at::parallel_for(0, tasks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const Segment& s = packing.segments[static_cast<size_t>(task) / blocks.size()];
        const ScanSegment segment{s.begin, s.end(), Slot(from, s.carry), slots.data()};
        ScanForward(arrays, segment, blocks[static_cast<size_t>(task) % blocks.size()], y.data_ptr<float>(), kept.data_ptr<float>());
      }
    });
    context->save_for_backward({in.x, in.delta, in.a, in.b, in.c, from});
    Save(context, packing);
    return packing.kept.empty() ? variable_list{y} : variable_list{y, kept};
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    RefuseSecondOrder();
    const auto saved = context->get_saved_variables();
    const ScanInput in{saved[0], saved[1], saved[2], saved[3], saved[4]};
    const at::Tensor from = saved[5], gy = grads[0].contiguous(), gkept = grads.size() > 1 ? grads[1].contiguous() : at::Tensor();
    const Packing packing = Saved(context);
    const ScanArrays arrays = Arrays(in);
    const at::Tensor gx = at::empty_like(in.x), gdelta = at::empty_like(in.delta);
    const at::Tensor gfrom = at::zeros_like(from);
    const std::vector<ChannelBlock> blocks = Blocks(arrays.d_inner, arrays.groups);
    // Blocks of one group add to the same gradients of b and c: each has its own, summed in one order whatever the threads.
    auto sizes = in.b.sizes().vec();
    sizes.insert(sizes.begin(), static_cast<int64_t>(blocks.size()));
    const at::Tensor gb = at::zeros(sizes, in.b.options()), gc = at::zeros(sizes, in.b.options());  // [block, row, groups, d_state]
    const std::vector<int64_t> slots = KeptSlots(packing);
    at::parallel_for(0, static_cast<int64_t>(blocks.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        for (const Segment& s : packing.segments) {
          float* const initial = s.carry < 0 ? nullptr : gfrom.data_ptr<float>() + s.carry * gfrom.stride(0);
          const ScanGradients g{gy.data_ptr<float>(),
                                gkept.defined() ? gkept.data_ptr<float>() : nullptr,
                                gx.data_ptr<float>(),
                                gdelta.data_ptr<float>(),
                                gb.data_ptr<float>() + i * gb.stride(0),
                                gc.data_ptr<float>() + i * gc.stride(0),
                                initial};
          ScanBackward(arrays, {s.begin, s.end(), Slot(from, s.carry), slots.data()}, blocks[static_cast<size_t>(i)], g);
        }
      }
    });
    return {gx, gdelta, at::Tensor(), gb.sum(0), gc.sum(0), gfrom, at::Tensor()};
  }
};

// ---- the convolution

// Row of the input `back` tokens before `row` of segment s: in x, in the segment's carry `from`, or null for the zeros before a prompt.
template <typename T>
T* InputRow(const Segment& s, int64_t row, int64_t back, int64_t window, int64_t width, T* x, T* from) {
  const int64_t i = row - back - s.begin;
  if (i >= 0) return x + (s.begin + i) * width;
  return s.carry < 0 || i < -window ? nullptr : from + (s.carry * window + window + i) * width;
}

struct ConvFunction : torch::autograd::Function<ConvFunction> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x_in, const at::Tensor& weight_in, const at::Tensor& bias_in,
                               const at::Tensor& from_in, const Packing& packing) {
    const at::Tensor x = x_in.contiguous(), weight = weight_in.contiguous(), bias = bias_in.contiguous(), from = from_in.contiguous();
    const int64_t taps = weight.size(0), window = taps - 1, width = x.size(1);
    at::Tensor y = at::empty_like(x), kept = at::empty({KeptCount(packing), window, width}, x.options());
    const float *in = x.data_ptr<float>(), *carry = from.data_ptr<float>();
    const std::vector<int64_t> slots = KeptSlots(packing);
    at::parallel_for(0, packing.rows(), 16, [&](int64_t begin, int64_t end) {
      std::vector<const float*> tap(static_cast<size_t>(taps));
      auto s = packing.segments.begin();
      for (int64_t row = begin; row < end; ++row) {
        while (s->end() <= row) ++s;
        for (int64_t k = 0; k < taps; ++k) tap[static_cast<size_t>(k)] = InputRow(*s, row, window - k, window, width, in, carry);
        ConvRow(tap.data(), taps, weight.data_ptr<float>(), bias.numel() > 0 ? bias.data_ptr<float>() : nullptr, width,
                y.data_ptr<float>() + row * width);
        const int64_t slot = slots[static_cast<size_t>(row)];
        if (slot >= 0) KeepWindow(tap, width, kept.data_ptr<float>() + slot * window * width);
      }
    });
    context->save_for_backward({weight, from});
    Save(context, packing);
    return packing.kept.empty() ? variable_list{y} : variable_list{y, kept};
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    RefuseSecondOrder();
    const auto saved = context->get_saved_variables();
    const at::Tensor &weight = saved[0], &from = saved[1];
    const at::Tensor gy = grads[0].contiguous(), gkept = grads.size() > 1 ? grads[1].contiguous() : at::Tensor();
    const Packing packing = Saved(context);
    const int64_t taps = weight.size(0), window = taps - 1, width = gy.size(1);
    const at::Tensor gx = at::zeros_like(gy), gfrom = at::zeros_like(from);
    float *const to = gx.data_ptr<float>(), *const carry = gfrom.data_ptr<float>();
    const at::Tensor ones = at::ones({width}, gy.options());
    auto kept = packing.kept.begin();
    for (const Segment& s : packing.segments) {  // in turn: segments may share a slot of the carry
      for (int64_t row = s.begin; row < s.end(); ++row) {
        for (int64_t back = 0; back < taps; ++back) {
          float* const input = InputRow(s, row, back, window, width, to, carry);
          if (input == nullptr) continue;
          MultiplyAdd(weight.data_ptr<float>() + (window - back) * width, gy.data_ptr<float>() + row * width, width, input);
          if (back < window && kept != packing.kept.end() && *kept == row) {
            const float* g = gkept.data_ptr<float>() + ((kept - packing.kept.begin()) * window + window - 1 - back) * width;
            MultiplyAdd(ones.data_ptr<float>(), g, width, input);
          }
        }
        if (kept != packing.kept.end() && *kept == row) ++kept;
      }
    }
    return {gx, at::Tensor(), at::Tensor(), gfrom, at::Tensor()};
  }

  // The window after a row is its own last taps - 1 inputs, oldest first.
  static void KeepWindow(const std::vector<const float*>& tap, int64_t width, float* to) {
    for (size_t k = 1; k < tap.size(); ++k, to += width) {
      if (tap[k] != nullptr) std::copy_n(tap[k], width, to);
      else std::fill_n(to, width, 0.0f);
    }
  }
};

}  // namespace

at::Tensor CausalConvCpu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const Packing& packing,
                         const at::Tensor& from, at::Tensor& kept) {
  const variable_list out = ConvFunction::apply(x, weight, OrEmpty(bias, x), OrEmpty(from, x), packing);
  if (out.size() > 1) kept = out[1];
  return out[0];
}

at::Tensor SelectiveScanCpu(const ScanInput& in, const Packing& packing, const at::Tensor& from, at::Tensor& kept) {
  const variable_list out = ScanFunction::apply(in.x, in.delta, in.a, in.b, in.c, OrEmpty(from, in.x), packing);
  if (out.size() > 1) kept = out[1];
  return out[0];
}

}  // namespace mambascope
