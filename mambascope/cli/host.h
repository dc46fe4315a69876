// A part of the program that runs commands, and stands for the terminal and the disk: it gives
// loaded models, hears what a command says, and takes the result. `serve` has a host for each
// request.
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
  // The command's model, whatever --model says.
  virtual const KeptModel& Kept() const = 0;
  // The edits that the command asks for by this name. Throws Error for edits that the host lacks.
  virtual StoredEdits Edits(const std::string& name) const = 0;
  // What the command does at present. An Error that this throws ends the command.
  virtual void HearProgress(const ProgressState& state) = 0;
  // A warning or a note.
  virtual void HearWarning(const std::string& sentence) = 0;
  // The command's result, which is not written to files. Files beside it, such as
  // edit.safetensors, are in the folder of --out.
  virtual void Take(CommandResult result) = 0;
};

}  // namespace mambascope
