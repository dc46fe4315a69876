// A command of the program has options and runs.
#pragma once

#include "mambascope/cli/common.h"
#include "mambascope/cli/option.h"

namespace mambascope {

class Command {
 public:
  virtual ~Command() = default;
  // Visits the command's own options.
  virtual void VisitOptions(OptionVisitor& option) = 0;
  // Visits --model. A command that takes several models overrides this.
  virtual void VisitModel(OptionVisitor& option) { VisitModelOption(common, option); }
  // Visits --compat. A command with its own --compat overrides this.
  virtual void VisitCompat(OptionVisitor& option) { VisitCompatOption(common, option); }
  // Whether these options have a meaning: cells that --check can compute again, and a plan that
  // --explain can print. Others refuse the option.
  virtual bool HasCheck() const { return false; }
  virtual bool HasPlan() const { return false; }
  // Whether the run has items of data that --shard can divide. Only commands that visit the option
  // override this.
  virtual bool HasShard() const { return false; }
  // Throws UsageError for options that cannot be combined.
  virtual void Check() const {}
  virtual void Run() = 0;

  CommonArguments common;
};

// Visits all options of a command, its own options first.
void VisitAllOptions(Command& command, OptionVisitor& option);

}  // namespace mambascope
