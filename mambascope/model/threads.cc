#include "mambascope/model/threads.h"

#include <ATen/Parallel.h>
#include <malloc.h>

#include <algorithm>
#include <limits>
#include <thread>

// OpenBLAS has its own thread count. It may not be the BLAS that LibTorch uses, so the symbol is
// weak.
extern "C" void openblas_set_num_threads(int) __attribute__((weak));

namespace mambascope {

void SetThreads(int threads) {
  if (threads <= 0) threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  at::set_num_threads(threads);
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(threads);
}

OneThread::OneThread() : threads_(at::get_num_threads()) { SetThreads(1); }

OneThread::~OneThread() { SetThreads(threads_); }

void KeepFreedMemory() {
#ifdef M_TRIM_THRESHOLD
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
#endif
}

void GiveBackFreedMemory(size_t keep) {
#ifdef M_TRIM_THRESHOLD
  if (mallinfo2().fordblks > keep) malloc_trim(0);
#endif
}

}  // namespace mambascope
