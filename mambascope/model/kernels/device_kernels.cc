#include "mambascope/model/kernels/device_kernels.h"

#include <c10/core/GradMode.h>

#include <algorithm>

namespace mambascope {

const DeviceKernels* FindKernels(const at::Tensor& like) {
  return like.scalar_type() == at::kFloat ? FindKernels(like.device()) : nullptr;
}

const DeviceKernels* FindKernels(const at::Device& device) {
  static const DeviceKernels cpu{CpuScan(), CpuConv()};
  if (device.is_cpu()) return &cpu;
#ifdef MAMBASCOPE_CUDA
  static const DeviceKernels cuda{CudaScan(), CudaConv(), &CudaFused()};
  if (device.is_cuda()) return &cuda;
#endif
  return nullptr;
}

const FusedKernels* FindFused(std::initializer_list<at::Tensor> inputs) {
  const DeviceKernels* kernels = FindKernels(*inputs.begin());
  if (kernels == nullptr || kernels->fused == nullptr) return nullptr;
  const bool differentiated =
      c10::GradMode::is_enabled() && std::any_of(inputs.begin(), inputs.end(), [](const auto& x) {
        return x.defined() && x.requires_grad();
      });
  return differentiated ? nullptr : kernels->fused;
}

}  // namespace mambascope
