#include "mambascope/cli/join_shards.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <variant>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/common.h"
#include "mambascope/data/shard.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/edit_json.h"
#include "mambascope/experiments/editing/moments_run.h"
#include "mambascope/experiments/facts/fact_json.h"
#include "mambascope/experiments/lre/lre_json.h"
#include "mambascope/experiments/tracing/paths_result.h"
#include "mambascope/reports/edit_report.h"
#include "mambascope/reports/knockout_page.h"
#include "mambascope/reports/knockout_text.h"
#include "mambascope/reports/lre_report.h"
#include "mambascope/reports/moments_report.h"
#include "mambascope/reports/paths_report.h"
#include "mambascope/reports/result_tables.h"
#include "mambascope/reports/trace_report.h"

namespace mambascope {
namespace {

constexpr const char* kSameRun = "run all shards with the same options and the same data";

template <typename Result>
std::vector<const Result*> As(const std::vector<ResultFile>& shards) {
  std::vector<const Result*> results;
  for (const ResultFile& shard : shards) {
    results.push_back(std::get_if<Result>(&shard.result));
    if (results.back() == nullptr)
      throw Error(fmt::format("{}: is of another command than {}", shard.file.string(),
                              shards[0].file.string()));
  }
  return results;
}

// Gives `joined`, a copy of the first shard's result, the items of all shards.
template <typename Result, typename Items>
void JoinItems(const std::vector<const Result*>& shards, Items Result::*items, Result& joined) {
  std::vector<Items> all;
  for (const Result* shard : shards) all.push_back(shard->*items);
  joined.*items = Interleave(all);
  joined.options = WholeRun(joined.options);
}

// Joins results on facts, all but their averages.
template <typename Result>
Result JoinFacts(const std::vector<const Result*>& shards) {
  for (const Result* shard : shards) {
    if (Json(shard->relations) != Json(shards[0]->relations))
      throw Error("the shards chose different facts", kSameRun);
  }
  Result joined = *shards[0];
  JoinItems(shards, &Result::facts, joined);
  int64_t chosen = 0;
  for (const RelationCount& relation : joined.relations) chosen += relation.chosen;
  if (std::ssize(joined.facts) != chosen)
    throw Error(fmt::format("the shards have {} facts of {}", joined.facts.size(), chosen),
                kSameRun);
  return joined;
}

// The same for the results of several models and parts, [model][part].
template <typename Result>
std::vector<std::vector<Result>> JoinGrids(
    const std::vector<const std::vector<std::vector<Result>>*>& shards) {
  std::vector<std::vector<Result>> joined(shards[0]->size());
  for (size_t model = 0; model < joined.size(); ++model) {
    for (size_t part = 0; part < shards[0]->at(model).size(); ++part) {
      std::vector<const Result*> cells;
      for (const auto* shard : shards) cells.push_back(&shard->at(model).at(part));
      joined[model].push_back(JoinFacts(cells));
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

CommandResult JoinTraces(const std::vector<ResultFile>& shards) {
  TraceResults joined = JoinGrids(As<TraceResults>(shards));
  for (auto& of_model : joined) {
    for (TraceResult& result : of_model)
      result.summary = SummarizeTraces(result.facts, result.metric);
  }
  return WithTable({TraceJson(joined), TracePage(joined), TraceText(joined)}, joined);
}

CommandResult JoinPaths(const std::vector<ResultFile>& shards) {
  PathsResults joined = JoinGrids(As<PathsResults>(shards));
  for (auto& of_model : joined) {
    for (PathsResult& result : of_model) SummarizePaths(result);
  }
  return WithTable({PathsJson(joined), PathsPage(joined), PathsText(joined)}, joined);
}

CommandResult JoinKnockouts(const std::vector<ResultFile>& shards) {
  const auto all = As<std::vector<KnockoutResult>>(shards);
  std::vector<KnockoutResult> joined;
  for (size_t model = 0; model < all[0]->size(); ++model) {
    std::vector<const KnockoutResult*> parts;
    for (const auto* shard : all) parts.push_back(&shard->at(model));
    joined.push_back(JoinFacts(parts));
    joined.back().summary = SummarizeKnockouts(joined.back());
  }
  return WithTable({KnockoutJson(joined), KnockoutPage(joined), KnockoutText(joined)}, joined);
}

CommandResult JoinEdits(const std::vector<ResultFile>& shards) {
  const std::vector<const EditSweepResult*> all = As<EditSweepResult>(shards);
  EditSweepResult joined = *all[0];
  JoinItems(all, &EditSweepResult::records, joined);
  joined.summary = SummarizeSweep(joined.records);
  return WithTable({joined, EditSweepPage(joined), EditRecordsText(joined)}, joined);
}

// Puts relations into the order of their names.
template <typename Relation>
void SortByName(std::vector<Relation>& relations, const std::vector<std::string>& order) {
  const auto place = [&](const Relation& relation) {
    return std::find(order.begin(), order.end(), relation.name);
  };
  std::sort(relations.begin(), relations.end(),
            [&](const Relation& a, const Relation& b) { return place(a) < place(b); });
}

CommandResult JoinLres(const std::vector<ResultFile>& shards) {
  const std::vector<const LreResult*> all = As<LreResult>(shards);
  const std::vector<std::string> order = all[0]->options.at("relation_order");
  LreResult joined{.options = WholeRun(all[0]->options)};
  for (const LreResult* shard : all) {
    joined.relations.insert(joined.relations.end(), shard->relations.begin(),
                            shard->relations.end());
    joined.skipped.insert(joined.skipped.end(), shard->skipped.begin(), shard->skipped.end());
  }
  if (joined.relations.size() + joined.skipped.size() != order.size())
    throw Error("the shards do not have each relation once", kSameRun);
  SortByName(joined.relations, order);
  SortByName(joined.skipped, order);
  joined.summary = SummarizeRelations(joined.relations, joined.skipped);
  return WithTable({joined, LrePage(joined), LreText(joined)}, joined);
}

CommandResult JoinSecondMoments(const std::vector<ResultFile>& shards,
                                const std::filesystem::path& out) {
  MomentsResult joined = *As<MomentsResult>(shards)[0];
  joined.options = WholeRun(joined.options);
  std::vector<std::filesystem::path> folders;
  for (const ResultFile& shard : shards) folders.push_back(shard.file.parent_path() / "moments");
  for (MomentResult& result : joined.moments) {
    const StoredMoments sum = JoinMoments(folders, result.place, result.width);
    const std::filesystem::path file = MomentsPath(out / "moments", result.place);
    PrepareFile(file);
    WriteMoments(file, sum);
    result.tokens = sum.moments.count;
    result.condition = MomentSolver(sum.moments, joined.options.at("ridge")).condition();
    result.convergence = {};
  }
  return WithTable({joined, MomentsPage(joined), MomentsText(joined)}, joined);
}

}  // namespace

Json WholeRun(Json options) {
  for (const char* key : {"shard", "data_digest", "relation_order"}) options.erase(key);
  return options;
}

CommandResult JoinShards(const std::vector<ResultFile>& shards, const std::filesystem::path& out) {
  const AnyResult& first = shards.at(0).result;
  if (std::holds_alternative<TraceResults>(first)) return JoinTraces(shards);
  if (std::holds_alternative<PathsResults>(first)) return JoinPaths(shards);
  if (std::holds_alternative<std::vector<KnockoutResult>>(first)) return JoinKnockouts(shards);
  if (std::holds_alternative<EditSweepResult>(first)) return JoinEdits(shards);
  if (std::holds_alternative<LreResult>(first)) return JoinLres(shards);
  if (std::holds_alternative<MomentsResult>(first)) return JoinSecondMoments(shards, out);
  throw Error(fmt::format("{}: results of this kind have no shards", shards[0].file.string()));
}

}  // namespace mambascope
