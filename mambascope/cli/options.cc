#include <fmt/format.h>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"

namespace mambascope {
namespace {

// Prints what docs/cli.md ends with.
class OptionsCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& /*option*/) override {}
  void Run() override { fmt::print("{}", OptionsMarkdown()); }
};

}  // namespace

std::unique_ptr<Command> MakeOptions() { return std::make_unique<OptionsCommand>(); }

}  // namespace mambascope
