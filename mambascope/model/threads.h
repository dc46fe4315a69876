// How many threads a pass may use.
#pragma once

namespace mambascope {

// For LibTorch's operations, the kernels and the BLAS behind GEMMs. `threads` <= 0: one per core. (LibTorch as Debian builds it starts with
// one.)
void SetThreads(int threads);

}  // namespace mambascope
