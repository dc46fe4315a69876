#include "mambascope/model/kernels/device_kernels.h"

namespace mambascope {

const DeviceKernels* FindKernels(const at::Tensor& like) {
  if (like.scalar_type() != at::kFloat) return nullptr;
  static const DeviceKernels cpu{CpuScan(), CpuConv()};
  if (like.is_cpu()) return &cpu;
#ifdef MAMBASCOPE_CUDA
  static const DeviceKernels cuda{CudaScan(), CudaConv()};
  if (like.is_cuda()) return &cuda;
#endif
  return nullptr;
}

}  // namespace mambascope
