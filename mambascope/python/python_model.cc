#include "mambascope/python/python_model.h"

#include <fmt/format.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/parser.h"
#include "mambascope/experiments/editing/edit_file.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

// Keeps the warnings of a command that has a model already.
class WarningHost : public Host {
 public:
  WarningHost(const KeptModel& kept, std::vector<std::string>& warnings)
      : kept_(kept), warnings_(warnings) {}
  const KeptModel& Kept() const override { return kept_; }
  StoredEdits Edits(const std::string& name) const override { return ReadEdits(name); }
  void HearProgress(const ProgressState& /*state*/) override {}
  void HearPartial(const Json& /*result*/) override {}
  void HearWarning(const std::string& sentence) override { warnings_.push_back(sentence); }
  void Take(CommandResult /*result*/) override {}

 private:
  const KeptModel& kept_;
  std::vector<std::string>& warnings_;
};

}  // namespace

const Tokenizer& PythonModel::tokenizer() const {
  if (!kept.tokenizer)
    throw Error("the model's folder has no tokenizer",
                "give one to Model.load with tokenizer=, or token ids");
  return *kept.tokenizer;
}

PythonModel LoadPythonModel(std::vector<std::string> words) {
  CommonArguments common = ReadCommand(std::move(words))->common;
  const std::optional<Tokenizer> tokenizer = LoadTokenizer(common);
  PythonModel loaded{.kept = {LoadModel(common), tokenizer, ModelFingerprint(common)},
                     .words = {},
                     .warnings = {}};
  for (const auto& [name, value] : ModelOptionsOf(common)) {
    if (name != "--model" || value != CommonArguments().model)  // as a command line leaves it out
      loaded.words.push_back(fmt::format("{}={}", name, value));
  }
  for (const std::string& warning : loaded.model().warnings())
    loaded.warnings.push_back(fmt::format("{}: {}", common.model, warning));
  WarningHost host(loaded.kept, loaded.warnings);
  common.host = &host;
  if (tokenizer) WarnOfTokenizer(common, loaded.model(), *tokenizer);
  return loaded;
}

PythonModel EditedBy(const PythonModel& model, const std::string& file) {
  const StoredEdits stored = ReadEdits(file);
  if (stored.model != model.kept.fingerprint)
    throw Error(fmt::format("{} is an edit of another checkpoint: it was made for {}, and this "
                            "model is {}",
                            file, stored.model, model.kept.fingerprint),
                "apply it to the model that it was made with");
  PythonModel edited = model;
  edited.kept.model = model.model().Edited(stored.edits);
  edited.kept.fingerprint = FingerprintText(model.kept.fingerprint + ReadFile(file));
  return edited;
}

}  // namespace mambascope
