#include "mambascope/cli/tuned_start.h"

#include <unistd.h>

#include <cstdlib>

namespace mambascope {
namespace {

bool AmdWithAvx512() {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_is("amd") && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq");
#else
  return false;
#endif
}

}  // namespace

void StartTuned(char** argv) {
  const bool spins =
      std::getenv("OMP_WAIT_POLICY") == nullptr && std::getenv("GOMP_SPINCOUNT") == nullptr;
  const bool wider = std::getenv("OPENBLAS_CORETYPE") == nullptr && AmdWithAvx512();
  if (!spins && !wider) return;
  if (spins) setenv("GOMP_SPINCOUNT", "10000", 1);
  if (wider) setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);
  execv("/proc/self/exe", argv);
}

}  // namespace mambascope
