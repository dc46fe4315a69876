#include "mambascope/cli/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "mambascope/checkpoint/file.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// The last part of a path that names a folder: "a/b/" is b, and "." the current folder's name.
std::string FolderName(const std::string& path) {
  const std::string name = (fs::path(path) / "").parent_path().filename().string();
  if (!name.empty() && name != "." && name != "..") return name;
  std::error_code error;
  return fs::weakly_canonical(path, error).filename().string();
}

}  // namespace

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

void WriteResults(const std::string& name, const CommonArguments& common,
                  const OutputFolder& folder, const Json& json, const std::string& page,
                  const std::string& text) {
  const fs::path json_file = folder / (name + ".json"), page_file = folder / (name + ".html");
  WriteFile(json_file, DumpJson(json, 1) + "\n");
  WriteFile(page_file, page);
  Print(common, json, fmt::format("{}{}\n{}\n", text, json_file.string(), page_file.string()));
}

}  // namespace mambascope
