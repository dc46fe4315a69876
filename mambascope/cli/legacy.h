// TEMPORARY: commands whose options are not declared yet.
#pragma once
#include <CLI/CLI.hpp>
#include "mambascope/cli/command.h"
namespace mambascope {
using CommonOptions = CommonArguments;
CLI::Validator NumberIn(double low, double high);
void AddMemoryOption(CLI::App& command, std::optional<uint64_t>& memory, const std::string& what);
inline int64_t MemoryOf(const std::optional<uint64_t>& memory, const Model& model) { return MemoryLimit(memory, model); }
Json EchoOptions(const std::string& command, const CommonOptions& options, const Json& more);
void EditCommand(CLI::App& command, CommonOptions& common);
void LreCommand(CLI::App& command, CommonOptions& common);
struct LegacyCommand : Command {
  void (*add)(CLI::App&, CommonOptions&);
  explicit LegacyCommand(void (*a)(CLI::App&, CommonOptions&)) : add(a) {}
  void VisitOptions(OptionVisitor&) override {}
  void Run() override {}
};
}  // namespace mambascope
