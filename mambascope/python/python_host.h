// The host (cli/host.h) of what Python asks for.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "mambascope/cli/host.h"
#include "mambascope/experiments/editing/edit_file.h"
#include "mambascope/python/python_progress.h"

namespace mambascope {

class PythonHost : public Host {
 public:
  // `kept` is the command's model. Null: the command loads its model. REQUIRES: both outlive this.
  PythonHost(const KeptModel* kept, PythonProgress& progress) : kept_(kept), progress_(progress) {}

  const KeptModel* Kept() const override { return kept_; }
  StoredEdits Edits(const std::string& name) const override { return ReadEdits(name); }
  void HearProgress(const ProgressState& state) override {
    progress_(state.what, state.done, state.total);
  }
  void HearWarning(const std::string& sentence) override { warnings.push_back(sentence); }
  void Take(CommandResult taken) override {
    result = std::move(taken);
    if (result.table) table = result.table().csv();
    result.table = {};  // it refers to the command
  }

  std::vector<std::string> warnings;
  CommandResult result;
  std::string table;  // CSV, of the result; empty: it has none

 private:
  const KeptModel* const kept_;
  PythonProgress& progress_;
};

}  // namespace mambascope
