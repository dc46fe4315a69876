// How a program that runs models uses its machine.
#pragma once

namespace mambascope {

// Threads for LibTorch's operations, the kernels and the BLAS behind GEMMs. `threads` <= 0: one per
// core. (LibTorch as Debian builds it starts with one.)
void SetThreads(int threads);

// Memory that is freed stays with the process: a layer's tensors are made and dropped all the time,
// and a page that comes from the system costs more than what is computed in it (measured: a fifth
// of a sweep).
void KeepFreedMemory();

}  // namespace mambascope
