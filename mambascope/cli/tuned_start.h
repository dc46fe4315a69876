// Sets environment variables that libraries read when they are loaded, for programs that run long.
#pragma once

namespace mambascope {

// Starts the program again with the same arguments and with tuned environment variables:
//
//   GOMP_SPINCOUNT     10000, unless it or OMP_WAIT_POLICY is set. Threads that spin long while
//                      they wait take the cores from other work. Threads that sleep at once wake up
//                      too slowly for small layers.
//   OPENBLAS_CORETYPE  SkylakeX, unless it is set, on AMD processors with AVX-512. OpenBLAS 0.3.21
//                      does not recognize them, and uses kernels without AVX-512 that are half as
//                      fast.
//
// Returns if there is nothing to change, or if the program cannot be started again. Call it first
// in main.
void StartTuned(char** argv);

}  // namespace mambascope
