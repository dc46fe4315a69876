#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "mambascope/model/kernels/cpu_loops.h"
#include "mambascope/model/kernels/device_kernels.h"

namespace mambascope {
namespace {

// Returns the input `back` tokens before `row` of segment s. It is in x, or in the segment's carry
// `from`. Before a prompt it is 0, and the result is null.
template <typename T>
T* InputRow(const Segment& s, int64_t row, int64_t back, int64_t window, int64_t width, T* x,
            T* from) {
  const int64_t i = row - back - s.begin;
  if (i >= 0) return x + (s.begin + i) * width;
  return s.carry < 0 || i < -window ? nullptr : from + (s.carry * window + window + i) * width;
}

// Stores the window after a row: its last taps - 1 inputs, oldest first.
void KeepWindow(const std::vector<const float*>& tap, int64_t width, float* to) {
  for (size_t k = 1; k < tap.size(); ++k, to += width) {
    if (tap[k] != nullptr) std::copy_n(tap[k], width, to);
    else std::fill_n(to, width, 0.0f);
  }
}

class CpuConvKernel : public ConvKernel {
 public:
  KernelOutput Forward(const at::Tensor& x, const ConvWeights& weights, const at::Tensor& from,
                       const Packing& packing) const override {
    const at::Tensor &weight = weights.weight, &bias = weights.bias;
    const int64_t taps = weight.size(0), window = taps - 1, width = x.size(1);
    KernelOutput out{at::empty_like(x),
                     at::empty({packing.kept_count(), window, width}, x.options())};
    const float *in = x.data_ptr<float>(), *carry = from.data_ptr<float>();
    const std::vector<int64_t> slots = packing.KeptSlots();
    at::parallel_for(0, packing.rows(), 16, [&](int64_t begin, int64_t end) {
      std::vector<const float*> tap(static_cast<size_t>(taps));
      auto s = packing.segments.begin();
      for (int64_t row = begin; row < end; ++row) {
        while (s->end() <= row) ++s;
        for (int64_t k = 0; k < taps; ++k)
          tap[static_cast<size_t>(k)] = InputRow(*s, row, window - k, window, width, in, carry);
        ConvRow(tap.data(), taps, weight.data_ptr<float>(),
                bias.numel() > 0 ? bias.data_ptr<float>() : nullptr, width,
                out.y.data_ptr<float>() + row * width);
        const int64_t slot = slots[static_cast<size_t>(row)];
        if (slot >= 0) KeepWindow(tap, width, out.kept.data_ptr<float>() + slot * window * width);
      }
    });
    return out;
  }

  ConvGradients Backward(const at::Tensor& weight, const at::Tensor& from,
                         const KernelOutput& gradient, const Packing& packing) const override {
    const at::Tensor &gy = gradient.y, &gkept = gradient.kept;
    const int64_t taps = weight.size(0), window = taps - 1, width = gy.size(1);
    const at::Tensor gx = at::zeros_like(gy), gfrom = at::zeros_like(from);
    float *const to = gx.data_ptr<float>(), *const carry = gfrom.data_ptr<float>();
    const at::Tensor ones = at::ones({width}, gy.options());
    auto kept = packing.kept.begin();
    // Sequential, since segments may share a slot of the carry.
    for (const Segment& s : packing.segments) {
      for (int64_t row = s.begin; row < s.end(); ++row) {
        for (int64_t back = 0; back < taps; ++back) {
          float* const input = InputRow(s, row, back, window, width, to, carry);
          if (input == nullptr) continue;
          MultiplyAdd(weight.data_ptr<float>() + (window - back) * width,
                      gy.data_ptr<float>() + row * width, width, input);
          if (back < window && kept != packing.kept.end() && *kept == row) {
            const float* g = gkept.data_ptr<float>() +
                             ((kept - packing.kept.begin()) * window + window - 1 - back) * width;
            MultiplyAdd(ones.data_ptr<float>(), g, width, input);
          }
        }
        if (kept != packing.kept.end() && *kept == row) ++kept;
      }
    }
    return {gx, gfrom};
  }
};

}  // namespace

const ConvKernel& CpuConv() {
  static const CpuConvKernel kernel;
  return kernel;
}

}  // namespace mambascope
