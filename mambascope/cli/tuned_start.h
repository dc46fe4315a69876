// What must be settled before a program's libraries are loaded, for programs that run long.
#pragma once

namespace mambascope {

// Starts the program again, with the same arguments and with what was measured to be best for each
// of these that the user has not set:
//   GOMP_SPINCOUNT, OMP_WAIT_POLICY   Threads that spin for long while they wait take the cores
//   from whatever else runs; threads that sleep
//                                     at once wake up too slowly for small layers.
//   OPENBLAS_CORETYPE                 OpenBLAS 0.3.21 does not know AMD's processors with AVX-512
//   and takes kernels without it, which are
//                                     half as fast.
// Comes back where nothing is to be changed, or nothing can be. Call it first in main.
void StartTuned(char** argv);

}  // namespace mambascope
