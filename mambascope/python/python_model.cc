#include "mambascope/python/python_model.h"

#include <fmt/format.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/parser.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/edit_file.h"
#include "mambascope/python/engine_settings.h"
#include "mambascope/python/python_host.h"

namespace mambascope {
const Tokenizer& PythonModel::tokenizer() const {
  if (!kept.tokenizer)
    throw Error("the model's folder has no tokenizer",
                "give one to Model.load with tokenizer=, or token ids");
  return *kept.tokenizer;
}

PythonModel LoadPythonModel(std::vector<std::string> words, PythonProgress& progress) {
  CommonArguments common = ReadCommand(std::move(words))->common;
  const EngineSettings settings(common.GpuTf32());
  PythonHost host(nullptr, progress);
  common.host = &host;
  const std::optional<Tokenizer> tokenizer = LoadTokenizer(common);
  PythonModel loaded{.kept = {LoadModel(common, tokenizer ? &*tokenizer : nullptr), tokenizer,
                              ModelFingerprint(common)},
                     .words = {},
                     .warnings = host.warnings,
                     .tf32 = common.GpuTf32()};
  for (const auto& [name, value] : ModelOptionsOf(common)) {
    if (name != "--model" || value != CommonArguments().model)  // as a command line leaves it out
      loaded.words.push_back(fmt::format("{}={}", name, value));
  }
  return loaded;
}

PythonModel EditedBy(const PythonModel& model, const std::string& file) {
  const StoredEdits stored = ReadEdits(file);
  if (stored.model != model.kept.fingerprint)
    throw Error(fmt::format("{} is an edit of another checkpoint: it was made for {}, and this "
                            "model is {}",
                            file, stored.model, model.kept.fingerprint),
                "apply it to the model that it was made with");
  const EngineSettings settings(model.tf32);
  PythonModel edited = model;
  edited.kept.model = model.model().Edited(stored.edits);
  edited.kept.fingerprint = FingerprintText(model.kept.fingerprint + ReadFile(file));
  return edited;
}

}  // namespace mambascope
