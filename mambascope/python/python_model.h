// A model that Python holds.
#pragma once

#include <c10/core/InferenceMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/cli/common.h"
#include "mambascope/cli/host.h"
#include "mambascope/python/python_progress.h"

namespace mambascope {

struct PythonModel {
  KeptModel kept;
  std::vector<std::string> words;     // options that choose the model on a command line
  std::vector<std::string> warnings;  // of the loading
  bool allows_tf32 = false;           // of its matrix products

  const Model& model() const { return kept.model; }
  // Throws Error where the checkpoint has none.
  const Tokenizer& tokenizer() const;
};

// While it exists, PyTorch's settings are those that the engine needs, whatever the caller set.
// Matrix products of the process are in TF32 where the model's are. In this thread, there is no
// autocast, inference mode or no_grad.
class EngineSettings {
 public:
  explicit EngineSettings(bool allows_tf32);
  explicit EngineSettings(const PythonModel& model) : EngineSettings(model.allows_tf32) {}
  ~EngineSettings();
  EngineSettings(const EngineSettings&) = delete;
  EngineSettings& operator=(const EngineSettings&) = delete;

 private:
  const bool before_;
  const c10::impl::ExcludeDispatchKeyGuard no_autocast_{c10::autocast_dispatch_keyset};
  const c10::InferenceMode no_inference_{false};
};

// Loads a model and its tokenizer. `words` are a command line of `info`. Throws Error. REQUIRES:
// the caller does not hold the GIL.
PythonModel LoadPythonModel(std::vector<std::string> words, PythonProgress& progress);

// The model with the edits of a file (edit.safetensors). Throws Error for edits of another
// checkpoint. Its fingerprint is its own: results of the edited model are not taken for results of
// the unedited one.
PythonModel EditedBy(const PythonModel& model, const std::string& file);

}  // namespace mambascope
