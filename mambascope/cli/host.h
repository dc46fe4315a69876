// A host lets another part of the program run a command. It provides a loaded model in place of the
// disk. It receives progress, warnings and the result in place of the terminal. `serve` makes one
// host for each request.
#pragma once

#include <optional>
#include <string>

#include "mambascope/cli/command_result.h"
#include "mambascope/cli/progress.h"
#include "mambascope/experiments/editing/edit_file.h"
#include "mambascope/model/model.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

// A loaded checkpoint. Copies share the weights.
struct KeptModel {
  Model model;
  std::optional<Tokenizer> tokenizer;
  std::string fingerprint;
};

class Host {
 public:
  virtual ~Host() = default;
  // The command's model, whatever --model says. Null: the command loads its model.
  virtual const KeptModel* Kept() const = 0;
  // The edits that the command asks for by this name. Throws Error for edits that the host lacks.
  virtual StoredEdits Edits(const std::string& name) const = 0;
  // Receives the command's progress. It may throw, and the exception ends the command.
  virtual void HearProgress(const ProgressState& state) = 0;
  // Whether HearPartial is called. Results then come in small steps, which takes longer.
  virtual bool HearsPartial() const { return false; }
  // Receives the part of a result that is known before the rest. The rest is null.
  virtual void HearPartial(const Json& /*result*/) {}
  // Receives a warning or a note.
  virtual void HearWarning(const std::string& sentence) = 0;
  // Receives the command's result, which is not written to files. Other files, such as
  // edit.safetensors, are in the folder of --out.
  virtual void Take(CommandResult result) = 0;
};

}  // namespace mambascope
