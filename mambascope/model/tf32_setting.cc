#include "mambascope/model/tf32_setting.h"

#include <ATen/Context.h>

#include <condition_variable>
#include <mutex>

namespace mambascope {
namespace {

struct Shared {
  std::mutex mutex;
  std::condition_variable free;
  int users = 0;
  bool tf32 = false;
  at::Float32MatmulPrecision before = at::Float32MatmulPrecision::HIGHEST;
};

Shared& OfProcess() {
  static Shared shared;
  return shared;
}

at::Float32MatmulPrecision ReadPrecision() {
  try {
    return at::globalContext().float32MatmulPrecision();
  } catch (const c10::Error&) {  // PyTorch 2.9 and newer have a setting for each backend, too
    return at::Float32MatmulPrecision::HIGH;
  }
}

void SetPrecision(at::Float32MatmulPrecision precision) {
  if (precision == at::Float32MatmulPrecision::MEDIUM)
    return at::globalContext().setFloat32MatmulPrecision("medium");
  at::globalContext().setAllowTF32CuBLAS(precision == at::Float32MatmulPrecision::HIGH);
}

}  // namespace

Tf32Setting::Tf32Setting(bool tf32) {
  Shared& shared = OfProcess();
  std::unique_lock lock(shared.mutex);
  shared.free.wait(lock, [&] { return shared.users == 0 || shared.tf32 == tf32; });
  if (shared.users == 0) {
    shared.before = ReadPrecision();
    shared.tf32 = tf32;
    at::globalContext().setAllowTF32CuBLAS(tf32);
  }
  ++shared.users;
}

Tf32Setting::~Tf32Setting() {
  Shared& shared = OfProcess();
  const std::lock_guard lock(shared.mutex);
  if (--shared.users > 0) return;
  SetPrecision(shared.before);
  shared.free.notify_all();
}

}  // namespace mambascope
