#include "mambascope/reports/result_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "mambascope/data/shard.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/edit_json.h"
#include "mambascope/experiments/lre/lre_json.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// The options of every run in a document, which may hold several models, and several sites or
// tokens of each.
void CollectRuns(const Json& json, std::vector<Json>& runs) {
  if (json.contains("options")) runs.push_back(json["options"]);
  for (const char* key : {"models", "sites", "tokens"}) {
    if (!json.contains(key)) continue;
    for (const Json& part : json[key]) CollectRuns(part, runs);
  }
}

// [model][part] of a document; `parts` is the key of the list of a model's parts.
template <typename Result>
std::vector<std::vector<Result>> ReadParts(const Json& json, const char* parts) {
  const auto several = [](const Json& list) {
    if (list.empty()) throw Error("it holds no run");
    return list;
  };
  const Json models = json.contains("models") ? several(json["models"]) : Json::array({json});
  std::vector<std::vector<Result>> results;
  for (const Json& model : models) {
    const Json list = model.contains(parts) ? several(model[parts]) : Json::array({model});
    results.push_back(list.get<std::vector<Result>>());
  }
  return results;
}

std::vector<KnockoutResult> ReadKnockoutsOfFacts(const Json& json) {
  std::vector<KnockoutResult> results = ReadKnockouts(json);
  if (results.empty()) throw Error("it holds no run");
  for (const KnockoutResult& result : results) {
    if (result.facts.empty()) throw Error("it holds no facts");
  }
  return results;
}

AnyResult ReadEdit(const Json& json) {
  if (json.contains("sweep")) return json.get<EditSweepResult>();
  if (json.contains("many")) return json.get<MassEditResult>();
  return json.get<OneEditResult>();
}

using Reader = AnyResult (*)(const Json&);
const std::map<std::string, Reader>& Readers() {
  static const std::map<std::string, Reader> readers = {
      {"trace",
       [](const Json& json) -> AnyResult { return ReadParts<TraceResult>(json, "sites"); }},
      {"paths",
       [](const Json& json) -> AnyResult { return ReadParts<PathsResult>(json, "tokens"); }},
      {"knockout", [](const Json& json) -> AnyResult { return ReadKnockoutsOfFacts(json); }},
      {"attention", [](const Json& json) -> AnyResult { return json.get<AttentionResult>(); }},
      {"edit", ReadEdit},
      {"lre", [](const Json& json) -> AnyResult { return json.get<LreResult>(); }},
      {"moments", [](const Json& json) -> AnyResult { return json.get<MomentsResult>(); }}};
  return readers;
}

// The command that wrote the document; empty: it is no result.
std::string CommandOf(const std::vector<Json>& runs) {
  if (runs.empty() || !runs[0].is_object()) return "";
  const Json command = runs[0].value("command", Json());
  return command.is_string() ? command.get<std::string>() : "";
}

ResultFile ReadResult(const fs::path& file) {
  const Json json = ReadJson(file);
  std::vector<Json> runs;
  if (json.is_object()) CollectRuns(json, runs);
  const std::string command = CommandOf(runs);
  const auto reader = Readers().find(command);
  if (reader == Readers().end())
    throw Error(file.string() + ": is no result file of a command of mambascope",
                "results are files such as trace.json, which `mambascope trace` writes");
  std::string what;
  try {
    if (!AllFinite(json)) throw Error("it has a number that is not finite");
    for (const Json& run : runs) {  // these two are shown
      (void)run.value("arguments", std::vector<std::string>());
      (void)run.value("model", std::string());
    }
    return {file, reader->second(json), runs};
  } catch (const nlohmann::json::exception& e) {
    what = e.what();
    if (const size_t id = what.find("] "); id != what.npos) what = what.substr(id + 2);
  } catch (const Error& e) {
    what = e.what();
  }
  throw Error(
      fmt::format("{}: is no whole result of `mambascope {}`: {}", file.string(), command, what),
      "make it again with the same command, or leave it out");
}

}  // namespace

std::vector<ResultFile> ReadResults(const fs::path& place) {
  if (!fs::is_directory(place)) return {ReadResult(place)};
  std::vector<fs::path> files;
  std::set<fs::path> divided;  // folders of shards
  fs::recursive_directory_iterator end,
      entries(place, fs::directory_options::skip_permission_denied);
  for (; entries != end; ++entries) {
    const fs::directory_entry& entry = *entries;
    if (entry.is_directory() && ReadShardFolder(entry.path().filename().string())) {
      divided.insert(entry.path().parent_path());
      entries.disable_recursion_pending();
    }
    if (entry.is_regular_file() && entry.path().extension() == ".json" &&
        Readers().contains(entry.path().stem().string()))
      files.push_back(entry.path());
  }
  for (const fs::path& folder : divided) {
    if (std::none_of(files.begin(), files.end(),
                     [&](const fs::path& file) { return file.parent_path() == folder; }))
      throw Error(folder.string() + ": holds shards, but not their merged result",
                  fmt::format("merge them first: mambascope merge {}", folder.string()));
  }
  if (files.empty())
    throw Error(place.string() + ": holds no results",
                "name folders that --out named, or that `mambascope` wrote in out/");
  std::sort(files.begin(), files.end());
  std::vector<ResultFile> results;
  for (const fs::path& file : files) results.push_back(ReadResult(file));
  return results;
}

std::vector<ResultFile> ReadAllResults(const std::vector<std::string>& places) {
  std::vector<ResultFile> files;
  for (const std::string& place : places) {
    for (ResultFile& file : ReadResults(place)) {
      const bool is_known = std::any_of(files.begin(), files.end(), [&](const ResultFile& other) {
        return fs::equivalent(other.file, file.file);
      });
      if (!is_known) files.push_back(std::move(file));
    }
  }
  return files;
}

}  // namespace mambascope
