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
  bool allows_tf32 = false;           // of its matrix products

  const Model& model() const { return kept.model; }
  // Throws Error where the checkpoint has none.
  const Tokenizer& tokenizer() const;
};

// While it exists, matrix products of the process are in TF32 where the model's are. Python code
// has a setting of its own, and so have other models.
class ModelPrecision {
 public:
  explicit ModelPrecision(bool allows_tf32);
  explicit ModelPrecision(const PythonModel& model) : ModelPrecision(model.allows_tf32) {}
  ~ModelPrecision();
  ModelPrecision(const ModelPrecision&) = delete;
  ModelPrecision& operator=(const ModelPrecision&) = delete;

 private:
  const bool before_;
};

// Loads a model and its tokenizer. `words` are a command line of `info`. Throws Error. REQUIRES:
// the caller does not hold the GIL.
PythonModel LoadPythonModel(std::vector<std::string> words, PythonProgress& progress);

// The model with the edits of a file (edit.safetensors). Throws Error for edits of another
// checkpoint. Its fingerprint is its own: results of the edited model are not taken for results of
// the unedited one.
PythonModel EditedBy(const PythonModel& model, const std::string& file);

}  // namespace mambascope
