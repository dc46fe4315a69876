// A command of the program: its options, and what it does.
#pragma once

#include "mambascope/cli/common.h"
#include "mambascope/cli/option.h"

namespace mambascope {

class Command {
 public:
  virtual ~Command() = default;
  // The command's own options.
  virtual void VisitOptions(OptionVisitor& option) = 0;
  // The models that it runs. Most commands take one.
  virtual void VisitModel(OptionVisitor& option) { VisitModelOption(common, option); }
  // How checkpoints are read.
  virtual void VisitCompat(OptionVisitor& option) { VisitCompatOption(common, option); }
  // Throws UsageError for options that do not fit each other.
  virtual void Check() const {}
  virtual void Run() = 0;

  CommonArguments common;
};

// All options of a command, its own first.
void VisitAllOptions(Command& command, OptionVisitor& option);

}  // namespace mambascope
