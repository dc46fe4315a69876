#include "mambascope/cli/output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/host.h"
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
                          const std::string& detail, const std::vector<std::string>& data) {
  std::vector<std::string> parts = {command, "", detail, ""};
  for (const std::string& model : models)
    parts[1] += (parts[1].empty() ? "" : "+") + FolderName(model);
  for (const std::string& path : data)
    parts[3] += (parts[3].empty() ? "" : "+") + fs::path(FolderName(path)).stem().string();
  std::erase(parts, "");
  std::string folder = fmt::format("{}", fmt::join(parts, "-"));
  std::replace_if(
      folder.begin(), folder.end(),
      [](unsigned char c) {
        return std::isalnum(c) == 0 && std::string_view("._-+").find(c) == std::string_view::npos;
      },
      '_');
  return "out/" + folder;
}

OutputFolder OpenOutput(const CommonArguments& common, const OutputArguments& a,
                        const std::string& default_folder, const std::vector<std::string>& files) {
  fs::path folder = a.folder.value_or(default_folder);
  if (common.shard) folder /= common.shard->folder();
  if (a.table) {
    if (common.shard)
      throw Error("--table: a shard has no table of its own", "give --table to `mambascope merge`");
    const fs::path table = fs::weakly_canonical(*a.table);
    for (const std::string& file : files) {
      if (table == fs::weakly_canonical(folder / file))
        throw Error(fmt::format("--table {}: the run writes another file of this name", *a.table),
                    "name another file");
    }
    if (fs::is_regular_file(table) && table.extension() != ".csv")
      throw Error(fmt::format("--table {}: the file exists and is no .csv", *a.table),
                  "only an existing .csv file is replaced: name another file");
    PrepareFile(*a.table);
  }
  return OutputFolder(folder, files);
}

StoreListener ListenerOf(const CommonArguments& common) {
  return {.has_lines = SayThatItGoesOn,
          .dropped = [&common](const std::string& sentence) { Warn(common, sentence); }};
}

void WriteResults(const std::string& name, const CommonArguments& common, const OutputArguments& a,
                  const OutputFolder& folder, const CommandResult& result) {
  if (common.host != nullptr) return common.host->Take(result);
  const fs::path json_file = folder / (name + ".json"), page_file = folder / (name + ".html");
  std::string files = fmt::format("{}\n{}\n", json_file.string(), page_file.string());
  if (a.table) files += *a.table + "\n";
  {
    const auto together = HoldFiles();
    WriteFile(json_file, DumpJson(result.json, 1) + "\n");
    WriteFile(page_file, HtmlPage(result.page));
    if (a.table) WriteFile(*a.table, result.table().csv());
    SayWhenStopped(WhenStopped::kWritten);
  }
  Print(common, result.json, result.text + files);
}

}  // namespace mambascope
