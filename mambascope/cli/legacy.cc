#include "mambascope/cli/legacy.h"
#include <fmt/format.h>
#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
namespace mambascope {
CLI::Validator NumberIn(double low, double high) {
  const auto check = [low, high](const std::string& text) {
    double number = 0;
    const bool is_in = CLI::detail::lexical_cast(text, number) && number >= low && number <= high;
    return is_in ? std::string() : fmt::format("{} is no number from {} to {}", text, low, high);
  };
  return CLI::Validator(check, fmt::format("FLOAT from {} to {}", low, high));
}
void AddMemoryOption(CLI::App& command, std::optional<uint64_t>& memory, const std::string& what) {
  command.add_option("--memory", memory, what)->transform(CLI::AsSizeValue(false));
}
Json EchoOptions(const std::string& command, const CommonOptions& o, const Json& more) {
  Json options = DescribeModel(command, o).options;
  options.update(more);
  return options;
}
std::unique_ptr<Command> MakeEdit() { return std::make_unique<LegacyCommand>(EditCommand); }
std::unique_ptr<Command> MakeLre() { return std::make_unique<LegacyCommand>(LreCommand); }
}  // namespace mambascope
