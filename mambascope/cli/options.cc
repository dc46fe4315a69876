// Prints the options of all commands, and keeps the pages that document them.
#include <fmt/format.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/option_pages.h"

namespace mambascope {
namespace {

class OptionsCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    option.Topic("Output");
    option(&write_, {.names = "--write",
                     .help = "Folder of pages, docs, whose tables of options are written anew",
                     .decides = Decides::kConduct});
  }

  void Run() override {
    std::string text;
    for (const OptionPage& page : OptionPages()) {
      text += fmt::format("# docs/{}\n\n{}", page.file, page.tables);
      if (!write_) continue;
      const std::filesystem::path file = std::filesystem::path(*write_) / page.file;
      WriteFile(file, ReplaceTables(ReadFile(file), page));
    }
    Print(common, OptionsJson(), write_ ? "" : text);
  }

 private:
  std::optional<std::string> write_;
};

}  // namespace

std::unique_ptr<Command> MakeOptions() { return std::make_unique<OptionsCommand>(); }

}  // namespace mambascope
