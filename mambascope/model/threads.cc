#include "mambascope/model/threads.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <thread>

// OpenBLAS keeps a count of its own; it may not be the BLAS behind LibTorch.
extern "C" void openblas_set_num_threads(int) __attribute__((weak));

namespace mambascope {

void SetThreads(int threads) {
  if (threads <= 0) threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  at::set_num_threads(threads);
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(threads);
}

}  // namespace mambascope
