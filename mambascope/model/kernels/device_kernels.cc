#include "mambascope/model/kernels/device_kernels.h"

namespace mambascope {

const DeviceKernels* FindKernels(const at::Tensor& like) {
  static const DeviceKernels cpu{CpuScan(), CpuConv()};
  return like.is_cpu() && like.scalar_type() == at::kFloat ? &cpu : nullptr;
}

}  // namespace mambascope
