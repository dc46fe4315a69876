// A model that Python holds.
#pragma once

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
  std::optional<bool> tf32;           // as CommonArguments::GpuTf32

  const Model& model() const { return kept.model; }
  // Throws Error where the checkpoint has none.
  const Tokenizer& tokenizer() const;
};

// Loads a model and its tokenizer. `words` are a command line of `info`. Throws Error. REQUIRES:
// the caller does not hold the GIL.
PythonModel LoadPythonModel(std::vector<std::string> words, PythonProgress& progress);

// The model with the edits of a file (edit.safetensors). Throws Error for edits of another
// checkpoint. Its fingerprint is its own: results of the edited model are not taken for results of
// the unedited one.
PythonModel EditedBy(const PythonModel& model, const std::string& file);

}  // namespace mambascope
