#include "mambascope/cli/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/interrupt.h"

namespace mambascope {
namespace fs = std::filesystem;

std::string FolderName(const std::string& path) {
  const std::string name = (fs::path(path) / "").parent_path().filename().string();
  if (!name.empty() && name != "." && name != "..") return name;
  std::error_code error;
  return fs::weakly_canonical(path, error).filename().string();
}

void VisitForceOption(bool& force, OptionVisitor& option) {
  option(&force, {.names = "--force",
                  .help = "Overwrite the results of another run",
                  .decides = Decides::kConduct});
}

void VisitOutputOptions(OutputArguments& a, const std::string& otherwise, OptionVisitor& option) {
  option(&a.folder, {.names = "--out",
                     .help = "Folder for the results",
                     .otherwise = otherwise,
                     .bounds = NotEmpty(),
                     .decides = Decides::kConduct});
  VisitForceOption(a.force, option);
  option(&a.table, {.names = "--table",
                    .help = "Also write the results as a CSV file: a row per cell, with its keys",
                    .otherwise = "no table",
                    .bounds = NotEmpty(),
                    .decides = Decides::kConduct});
}

std::string DefaultFolder(const std::string& command, const std::vector<std::string>& models,
                          const std::string& detail) {
  std::string names;
  for (const std::string& model : models) names += (names.empty() ? "" : "+") + FolderName(model);
  std::string folder =
      detail.empty() ? command + "-" + names : fmt::format("{}-{}-{}", command, names, detail);
  std::replace_if(
      folder.begin(), folder.end(),
      [](unsigned char c) {
        return std::isalnum(c) == 0 && std::string_view("._-+").find(c) == std::string_view::npos;
      },
      '_');
  return "out/" + folder;
}

OutputFolder OpenOutput(const OutputArguments& a, const std::string& default_folder,
                        const std::vector<std::string>& files) {
  if (a.table) PrepareFile(*a.table);
  return OutputFolder(a.folder.value_or(default_folder), files);
}

void WriteResults(const std::string& name, const CommonArguments& common, const OutputArguments& a,
                  const OutputFolder& folder, const CommandResult& result) {
  const fs::path json_file = folder / (name + ".json"), page_file = folder / (name + ".html");
  std::string files = fmt::format("{}\n{}\n", json_file.string(), page_file.string());
  if (a.table) files += *a.table + "\n";
  {
    const auto together = HoldFiles();
    WriteFile(json_file, DumpJson(result.json, 1) + "\n");
    WriteFile(page_file, result.page);
    if (a.table) WriteFile(*a.table, result.table().csv());
    SayWhenStopped(WhenStopped::kWritten);
  }
  Print(common, result.json, result.text + files);
}

}  // namespace mambascope
