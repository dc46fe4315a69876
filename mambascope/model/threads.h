// Settings of a process that runs models.
#pragma once

#include <cstddef>

namespace mambascope {

// Sets the number of threads of LibTorch, the kernels and the BLAS. `threads` <= 0: one per core.
// (Debian's LibTorch starts with one.)
void SetThreads(int threads);

// While a OneThread exists, LibTorch and the BLAS use one thread. Otherwise decompositions and sums
// over a whole matrix would depend on the number of threads.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int threads_;  // before
};

// Keeps freed memory in the process. A layer allocates and frees tensors all the time. Getting each
// page from the system again costs more than computing in it (measured: a fifth of the time of a
// sweep).
void KeepFreedMemory();

// Gives freed memory back to the system if there are more than `keep` bytes of it. A server calls
// it after each piece of work.
void GiveBackFreedMemory(size_t keep);

}  // namespace mambascope
