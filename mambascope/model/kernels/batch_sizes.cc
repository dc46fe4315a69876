#include "mambascope/model/kernels/batch_sizes.h"

#include "mambascope/memory.h"
#include "mambascope/model/kernels/device_kernels.h"

namespace mambascope {

int64_t CommandMemory(at::Device device) {
  if (device.is_cpu()) return WholeMemory() / 4;
#ifdef MAMBASCOPE_CUDA
  if (device.is_cuda()) return FreeGpuMemory(device) / 5 * 4;
#endif
  return kDefaultMemory;
}

}  // namespace mambascope
