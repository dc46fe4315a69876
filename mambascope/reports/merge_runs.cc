#include "mambascope/reports/merge_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "mambascope/reports/result_page.h"
#include "mambascope/reports/trace_figures.h"

namespace mambascope {
namespace {

std::string IdentityOf(const TracedFact& fact) {
  return fact.relation + "\n" + fact.clean.text + "\n" + (fact.corrupt ? fact.corrupt->text : "");
}

template <typename Result>
std::string FactsKey(const Result& result) {
  std::string key = fmt::format("{} {}", result.metric == Metric::kProbability ? "p" : "logit",
                                DumpJson(result.options.value("noise", Json())));
  for (const auto& one : result.facts) key += "\n" + IdentityOf(one.fact);
  return key;
}

// Windows may differ: their default depends on the model's depth.
std::string PartOf(const TraceResult& result) { return SiteText(result); }
std::string PartOf(const PathsResult& result) { return result.at; }

void AddOnce(const std::string& name, std::vector<std::string>& names) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

// Results by model and part, each once. Empty: some model lacks a part, or has it twice.
template <typename Result>
std::vector<std::vector<Result>> JoinResults(
    const std::vector<const std::vector<std::vector<Result>>*>& all) {
  std::vector<std::string> models, parts;
  std::map<std::pair<std::string, std::string>, const Result*> cells;
  for (const auto* results : all) {
    for (const auto& of_model : *results) {
      for (const Result& result : of_model) {
        const std::pair place(ModelOf(result), PartOf(result));
        if (!cells.emplace(place, &result).second) return {};
        AddOnce(place.first, models);
        AddOnce(place.second, parts);
      }
    }
  }
  if (cells.size() != models.size() * parts.size()) return {};
  std::vector<std::vector<Result>> joined;
  for (const std::string& model : models) {
    joined.emplace_back();
    for (const std::string& part : parts) joined.back().push_back(*cells.at({model, part}));
  }
  return joined;
}

std::string FactsKey(const std::vector<KnockoutResult>& results) {
  const KnockoutResult& first = results[0];
  std::string key = first.mode;
  for (const Flow& flow : first.flows)
    key += fmt::format("\n{} {} {} {}", flow.from, flow.to, flow.group, flow.windows);
  for (const std::string& group : first.channels) key += "\n" + group;
  for (const KnockedFact& fact : first.facts) key += "\n" + fact.prompt.text;
  return key;
}

std::vector<KnockoutResult> JoinKnockouts(
    const std::vector<const std::vector<KnockoutResult>*>& all) {
  std::vector<KnockoutResult> joined;
  std::vector<std::string> names;
  for (const auto* results : all) {
    for (const KnockoutResult& result : *results) {
      if (result.lengths.size() != 1) return {};  // each length has a figure of its own
      AddOnce(result.name, names);
      joined.push_back(result);
    }
  }
  return names.size() == joined.size() ? joined : std::vector<KnockoutResult>();
}

// Joins the files of each group, where `join` can. `key` names the group of a result.
template <typename Results, typename Key, typename Join>
void MergeKind(std::vector<ResultFile>& files, const Key& key, const Join& join) {
  std::map<std::string, std::vector<size_t>> groups;
  for (size_t i = 0; i < files.size(); ++i) {
    if (const auto* results = std::get_if<Results>(&files[i].result))
      groups[key(*results)].push_back(i);
  }
  std::vector<size_t> gone;
  for (const auto& [name, members] : groups) {
    if (members.size() < 2) continue;
    std::vector<const Results*> all;
    for (const size_t i : members) all.push_back(&std::get<Results>(files[i].result));
    Results joined = join(all);
    if (joined.empty()) continue;
    ResultFile& first = files[members[0]];
    for (size_t m = 1; m < members.size(); ++m) {
      const ResultFile& other = files[members[m]];
      first.more.push_back(other.file);
      first.runs.insert(first.runs.end(), other.runs.begin(), other.runs.end());
      gone.push_back(members[m]);
    }
    first.result = std::move(joined);
  }
  std::sort(gone.rbegin(), gone.rend());
  for (const size_t i : gone) files.erase(files.begin() + static_cast<std::ptrdiff_t>(i));
}

}  // namespace

std::vector<ResultFile> MergeRuns(std::vector<ResultFile> files) {
  MergeKind<TraceResults>(
      files,
      [](const TraceResults& results) {
        const bool isolates = results[0][0].summary.isolated.has_value();  // a chapter of its own
        return (isolates ? "isolated " : "") + FactsKey(results[0][0]);
      },
      JoinResults<TraceResult>);
  MergeKind<PathsResults>(
      files, [](const PathsResults& results) { return FactsKey(results[0][0]); },
      JoinResults<PathsResult>);
  MergeKind<std::vector<KnockoutResult>>(
      files, [](const std::vector<KnockoutResult>& results) { return FactsKey(results); },
      JoinKnockouts);
  return files;
}

}  // namespace mambascope
