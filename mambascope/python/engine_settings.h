// PyTorch's settings while the engine works, whatever the caller of Python set.
#pragma once

#include <c10/core/InferenceMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <optional>

#include "mambascope/model/tf32_setting.h"

namespace mambascope {

// In this thread, there is no autocast, inference mode or no_grad. Products on a GPU have the
// model's precision. REQUIRES: the caller does not hold the GIL.
class EngineSettings {
 public:
  // `tf32` is CommonArguments::GpuTf32 of the model.
  explicit EngineSettings(std::optional<bool> tf32) {
    if (tf32) tf32_.emplace(*tf32);
  }

 private:
  std::optional<Tf32Setting> tf32_;
  const c10::impl::ExcludeDispatchKeyGuard no_autocast_{c10::autocast_dispatch_keyset};
  const c10::InferenceMode no_inference_{false};
};

}  // namespace mambascope
