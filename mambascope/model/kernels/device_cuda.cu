// What the driver says of a GPU.
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>

#include "mambascope/model/kernels/device_kernels.h"

namespace mambascope {

int64_t FreeGpuMemory(const at::Device& device) {
  const c10::cuda::CUDAGuard guard(device);
  c10::cuda::CUDACachingAllocator::emptyCache();  // what it keeps is free, too
  size_t free = 0, whole = 0;
  C10_CUDA_CHECK(cudaMemGetInfo(&free, &whole));
  return static_cast<int64_t>(free);
}

}  // namespace mambascope
