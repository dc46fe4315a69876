#include "mambascope/jobs/earlier_result.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// Appends the options of a document, or of its documents for several models, sites or tokens.
void AppendOptions(const Json& document, std::vector<Json>& options) {
  if (!document.is_object()) return;
  if (document.contains("options")) {
    if (document["options"].is_object()) options.push_back(document["options"]);
    return;
  }
  for (const char* list : {"models", "sites", "tokens"}) {
    if (!document.contains(list) || !document[list].is_array()) continue;
    for (const Json& one : document[list]) AppendOptions(one, options);
  }
}

// The options in a result file, those of each document; none where it has none.
std::vector<Json> StoredOptions(const fs::path& file) {
  Json result;
  try {
    result = ReadJson(file);
  } catch (const Error&) {  // no JSON, so nothing that a run wrote
    return {};
  }
  std::vector<Json> options;
  AppendOptions(result, options);
  return options;
}

// The keys of `identity` whose values differ from `options`.
std::vector<std::string> DifferingKeys(const Json& identity, const Json& options) {
  std::vector<std::string> keys;
  const Json written = ParseJson(DumpJson(identity), "identity");  // as a result file has it
  for (const auto& [key, value] : written.items()) {
    if (options.value(key, Json()) != value) keys.push_back(key);
  }
  return keys;
}

// " (trace of demo), which differs in site"; empty: the file is of this run.
std::string DescribeOther(const fs::path& file, const std::vector<Json>& identities) {
  const std::vector<Json> stored = StoredOptions(file);
  if (stored.empty()) return ", which this version cannot read";
  std::vector<std::string> models, keys;
  for (const Json& options : stored) {
    const Json model = options.value("model", Json());
    const std::string name = model.is_string() ? model.get<std::string>() : "an unnamed model";
    if (std::find(models.begin(), models.end(), name) == models.end()) models.push_back(name);
  }
  if (stored.size() != identities.size()) keys = {"the number of models, sites or tokens"};
  for (size_t i = 0; i < identities.size() && keys.empty(); ++i)
    keys = DifferingKeys(identities[i], stored[i]);
  if (keys.empty()) return "";
  const Json command = stored[0].value("command", Json());
  return fmt::format(" ({} of {}), which differs in {}",
                     command.is_string() ? command.get<std::string>() : "a command",
                     fmt::join(models, " and "), fmt::join(keys, ", "));
}

bool HasBytes(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  return !error && size > 0;
}

// The files of the command's results that the run itself does not write: lines of data sets, and
// edits. An empty file is none.
std::vector<fs::path> OtherFiles(const OutputFolder& folder, const std::string& name) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder.path())) {
    const std::string file = entry.path().filename().string();
    const bool is_result = file.starts_with(name + ".") &&
                           (file.ends_with(".jsonl") || file.ends_with(".safetensors"));
    if (is_result && HasBytes(entry.path())) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

void RefuseOtherRun(const OutputFolder& folder, const std::string& name,
                    const std::vector<Json>& identities, OtherRuns other) {
  const fs::path result = folder / (name + ".json");
  std::string holds;
  if (fs::exists(result)) {
    holds = DescribeOther(result, identities);
    if (holds.empty()) return;
    holds = fmt::format("{} is the result of another run{}", result.filename().string(), holds);
  } else {
    for (const fs::path& file : OtherFiles(folder, name)) {
      const bool is_lines = file.extension() == ".jsonl";
      if (is_lines && folder.Writes(file.filename().string())) continue;
      holds =
          is_lines
              ? fmt::format("{} has results of {} for a data set", file.filename().string(), name)
              : fmt::format("{} is from another run of {}", file.filename().string(), name);
      break;
    }
    if (holds.empty()) return;
  }
  if (other == OtherRuns::kRefuse)
    throw Error(fmt::format("{}: {}", folder.path().string(), holds), kOtherOutput);
  for (const fs::path& file : OtherFiles(folder, name)) {
    // What the run writes itself is replaced by its writer. The lines may be this run's own, from
    // before an interruption: their digests decide (ResultStore).
    if (!folder.Writes(file.filename().string())) fs::remove(file);
  }
}

}  // namespace mambascope
