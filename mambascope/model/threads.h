// Settings of a process that runs models.
#pragma once

#include <cstddef>

namespace mambascope {

// Sets the number of threads of LibTorch, the kernels and the BLAS. `threads` <= 0: one per core.
// (Debian's LibTorch starts with one.)
void SetThreads(int threads);

// While it lives, LibTorch and the BLAS use one thread. Decompositions and sums over a whole matrix
// add in an order that depends on the number of threads; results would depend on it, too.
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

// Gives freed memory back to the system if there are more than `keep` bytes of it. For a process
// that works now and then, after its work.
void GiveBackFreedMemory(size_t keep);

}  // namespace mambascope
