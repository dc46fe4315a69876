#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "mambascope/model/kernels/cpu_loops.h"
#include "mambascope/model/kernels/device_kernels.h"

namespace mambascope {
namespace {

const float* Slot(const at::Tensor& carry, int64_t slot) {
  return slot < 0 ? nullptr : carry.data_ptr<float>() + slot * carry.stride(0);
}

std::vector<ChannelBlock> Blocks(int64_t d_inner, int64_t groups) {
  std::vector<ChannelBlock> blocks;
  const int64_t width = d_inner / groups;
  for (int64_t g = 0; g < groups; ++g) {
    for (int64_t d = 0; d < width; d += kScanBlock)
      blocks.push_back({g * width + d, std::min(kScanBlock, width - d), g});
  }
  return blocks;
}

// REQUIRES: all tensors are contiguous.
ScanArrays Arrays(const ScanInput& in) {
  return {in.x.size(1),           in.b.size(2),           in.b.size(1),
          in.a.size(0) > 1,       in.x.data_ptr<float>(), in.delta.data_ptr<float>(),
          in.a.data_ptr<float>(), in.b.data_ptr<float>(), in.c.data_ptr<float>()};
}

// Returns the sum over the first dimension. LibTorch's sum adds in an order that depends on where
// an element lies.
at::Tensor SumInOrder(const at::Tensor& parts) {
  const at::Tensor sum = parts[0].clone();
  for (int64_t i = 1; i < parts.size(0); ++i) sum.add_(parts[i]);
  return sum;
}

class CpuScanKernel : public ScanKernel {
 public:
  KernelOutput Forward(const ScanInput& in, const at::Tensor& from,
                       const Packing& packing) const override {
    const ScanArrays arrays = Arrays(in);
    KernelOutput out{
        at::empty_like(in.x),
        at::empty({packing.kept_count(), arrays.d_state, arrays.d_inner}, in.x.options())};
    const std::vector<int64_t> slots = packing.KeptSlots();
    const std::vector<ChannelBlock> blocks = Blocks(arrays.d_inner, arrays.groups);
    const auto tasks = static_cast<int64_t>(blocks.size() * packing.segments.size());
    at::parallel_for(0, tasks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const Segment& s = packing.segments[static_cast<size_t>(task) / blocks.size()];
        const ScanSegment segment{s.begin, s.end(), Slot(from, s.carry), slots.data()};
        ScanForward(arrays, segment, blocks[static_cast<size_t>(task) % blocks.size()],
                    out.y.data_ptr<float>(), out.kept.data_ptr<float>());
      }
    });
    return out;
  }

  ScanGradients Backward(const ScanInput& in, const at::Tensor& from, const KernelOutput& gradient,
                         const Packing& packing) const override {
    const ScanArrays arrays = Arrays(in);
    const at::Tensor gx = at::empty_like(in.x), gdelta = at::empty_like(in.delta),
                     gfrom = at::zeros_like(from);
    const std::vector<ChannelBlock> blocks = Blocks(arrays.d_inner, arrays.groups);
    // Blocks of one group contribute to the same gradients of b and c. Each block writes its own
    // part. The parts are summed in a fixed order, so the result does not depend on the threads.
    auto sizes = in.b.sizes().vec();
    sizes.insert(sizes.begin(), static_cast<int64_t>(blocks.size()));
    const at::Tensor gb = at::zeros(sizes, in.b.options()),
                     gc = at::zeros(sizes, in.b.options());  // [block, row, groups, d_state]
    const std::vector<int64_t> slots = packing.KeptSlots();
    at::parallel_for(0, static_cast<int64_t>(blocks.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        for (const Segment& s : packing.segments) {
          float* const initial =
              s.carry < 0 ? nullptr : gfrom.data_ptr<float>() + s.carry * gfrom.stride(0);
          const ScanArrayGradients g{
              gradient.y.data_ptr<float>(),
              gradient.kept.defined() ? gradient.kept.data_ptr<float>() : nullptr,
              gx.data_ptr<float>(),
              gdelta.data_ptr<float>(),
              gb.data_ptr<float>() + i * gb.stride(0),
              gc.data_ptr<float>() + i * gc.stride(0),
              initial};
          ScanBackward(arrays, {s.begin, s.end(), Slot(from, s.carry), slots.data()},
                       blocks[static_cast<size_t>(i)], g);
        }
      }
    });
    return {gx, gdelta, SumInOrder(gb), SumInOrder(gc), gfrom};
  }
};

}  // namespace

const ScanKernel& CpuScan() {
  static const CpuScanKernel kernel;
  return kernel;
}

}  // namespace mambascope
