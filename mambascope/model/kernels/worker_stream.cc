#include "mambascope/model/kernels/worker_stream.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace mambascope {

WorkerStream::WorkerStream(c10::Device device) {
  if (!device.is_cuda()) return;
  const c10::impl::VirtualGuardImpl gpu(device.type());
  const c10::Device numbered = device.has_index() ? device : gpu.getDevice();
  gpu.getDefaultStream(numbered).synchronize();
  stream_ = gpu.getStreamFromGlobalPool(numbered);
}

}  // namespace mambascope
