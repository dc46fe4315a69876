#include "mambascope/cli/join_shards.h"

#include <fmt/format.h>

#include <memory>
#include <variant>

#include "mambascope/cli/describe.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/edit_json.h"
#include "mambascope/experiments/facts/fact_json.h"
#include "mambascope/experiments/lre/lre_json.h"
#include "mambascope/experiments/tracing/paths_result.h"
#include "mambascope/jobs/shard.h"
#include "mambascope/plural.h"
#include "mambascope/reports/edit_report.h"
#include "mambascope/reports/knockout_page.h"
#include "mambascope/reports/knockout_text.h"
#include "mambascope/reports/lre_report.h"
#include "mambascope/reports/paths_report.h"
#include "mambascope/reports/result_tables.h"
#include "mambascope/reports/trace_report.h"

namespace mambascope {
namespace {

template <typename Result>
std::vector<const Result*> As(const std::vector<ShardResult>& shards) {
  std::vector<const Result*> results;
  for (const ShardResult& shard : shards) {
    results.push_back(std::get_if<Result>(&shard.file.result));
    if (results.back() == nullptr) throw Error("the shards are of different commands");
  }
  return results;
}

// Gives `joined`, a copy of the first shard's result, the items of all shards.
template <typename Result, typename Items>
void JoinItems(const std::vector<const Result*>& shards, Items Result::*items, Result& joined) {
  std::vector<Items> all;
  for (const Result* shard : shards) all.push_back(shard->*items);
  joined.*items = Interleave(all);
  joined.options.erase("shard");
}

// The same for the results of several models and parts, [model][part].
template <typename Result>
std::vector<std::vector<Result>> JoinFacts(
    const std::vector<const std::vector<std::vector<Result>>*>& shards) {
  std::vector<std::vector<Result>> joined = *shards[0];
  for (size_t model = 0; model < joined.size(); ++model) {
    for (size_t part = 0; part < joined[model].size(); ++part) {
      std::vector<const Result*> parts;
      for (const auto* shard : shards) parts.push_back(&shard->at(model).at(part));
      for (const Result* one : parts) {
        if (Json(one->relations) != Json(parts[0]->relations))
          throw Error("the shards chose different facts");
      }
      JoinItems(parts, &Result::facts, joined[model][part]);
    }
  }
  return joined;
}

template <typename Result>
CommandResult WithTable(CommandResult result, Result joined) {
  const auto kept = std::make_shared<Result>(std::move(joined));
  result.table = [kept] { return MakeTable(*kept); };
  return result;
}

CommandResult JoinTraces(const std::vector<ShardResult>& shards) {
  TraceResults joined = JoinFacts(As<TraceResults>(shards));
  for (auto& of_model : joined) {
    for (TraceResult& result : of_model)
      result.summary = SummarizeTraces(result.facts, result.metric);
  }
  return WithTable({TraceJson(joined), TracePage(joined), TraceText(joined)}, joined);
}

CommandResult JoinPaths(const std::vector<ShardResult>& shards) {
  PathsResults joined = JoinFacts(As<PathsResults>(shards));
  for (auto& of_model : joined) {
    for (PathsResult& result : of_model) SummarizePaths(result);
  }
  return WithTable({PathsJson(joined), PathsPage(joined), PathsText(joined)}, joined);
}

CommandResult JoinKnockouts(const std::vector<ShardResult>& shards) {
  using Results = std::vector<KnockoutResult>;
  std::vector<std::vector<Results>> models;  // as JoinFacts takes them
  for (const Results* results : As<Results>(shards)) models.push_back({*results});
  std::vector<const std::vector<Results>*> pointers;
  for (const auto& one : models) pointers.push_back(&one);
  Results joined = JoinFacts(pointers)[0];
  for (KnockoutResult& result : joined) result.summary = SummarizeKnockouts(result);
  return WithTable({KnockoutJson(joined), KnockoutPage(joined), KnockoutText(joined)}, joined);
}

CommandResult JoinEdits(const std::vector<ShardResult>& shards) {
  const std::vector<const EditSweepResult*> all = As<EditSweepResult>(shards);
  EditSweepResult joined = *all[0];
  JoinItems(all, &EditSweepResult::records, joined);
  joined.summary = SummarizeSweep(joined.records);
  return WithTable({joined, EditSweepPage(joined), EditRecordsText(joined)}, joined);
}

CommandResult JoinLres(const std::vector<ShardResult>& shards) {
  Json options = As<LreResult>(shards)[0]->options;
  options.erase("shard");
  std::vector<std::vector<RelationResult>> relations;
  for (const ShardResult& shard : shards) {
    relations.emplace_back(shard.lines.begin(), shard.lines.end());
    const auto& result = std::get<LreResult>(shard.file.result);
    if (relations.back().size() != result.relations.size() + result.skipped.size())
      throw Error(
          fmt::format("{}: lre.jsonl beside it has other relations", shard.file.file.string()),
          "run the shard again");
  }
  const LreResult joined = MakeLreResult(options, Interleave(relations));
  return WithTable({joined, LrePage(joined), LreText(joined)}, joined);
}

}  // namespace

CommandResult JoinShards(const std::vector<ShardResult>& shards) {
  const AnyResult& first = shards.at(0).file.result;
  if (std::holds_alternative<TraceResults>(first)) return JoinTraces(shards);
  if (std::holds_alternative<PathsResults>(first)) return JoinPaths(shards);
  if (std::holds_alternative<std::vector<KnockoutResult>>(first)) return JoinKnockouts(shards);
  if (std::holds_alternative<EditSweepResult>(first)) return JoinEdits(shards);
  if (std::holds_alternative<LreResult>(first)) return JoinLres(shards);
  throw Error(fmt::format("{}: results of this kind have no shards", shards[0].file.file.string()));
}

}  // namespace mambascope
