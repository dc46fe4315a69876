#include "mambascope/cli/join_shards.h"

#include <fmt/format.h>

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
  joined.options.erase("shard");
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

CommandResult JoinLres(const std::vector<ResultFile>& shards) {
  const std::vector<const LreResult*> all = As<LreResult>(shards);
  Json options = all[0]->options;
  options.erase("shard");
  std::vector<std::vector<RelationResult>> relations;  // lre.json does not tell their order
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::filesystem::path file = shards[i].file.parent_path() / "lre.jsonl";
    relations.emplace_back();
    for (const std::string& line : ReadLines(file))
      relations.back().push_back(ParseJson(line, file.string()));
    if (relations.back().size() != all[i]->relations.size() + all[i]->skipped.size())
      throw Error(fmt::format("{}: has other relations than lre.json beside it", file.string()),
                  "run the shard again");
  }
  const LreResult joined = MakeLreResult(options, Interleave(relations));
  return WithTable({joined, LrePage(joined), LreText(joined)}, joined);
}

CommandResult JoinSecondMoments(const std::vector<ResultFile>& shards,
                                const std::filesystem::path& out) {
  MomentsResult joined = *As<MomentsResult>(shards)[0];
  joined.options.erase("shard");
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

std::vector<std::string> ReadLines(const std::filesystem::path& file) {
  std::vector<std::string> lines = SplitAt(ReadFile(file), '\n');
  lines.pop_back();  // what follows the last line's end
  return lines;
}

}  // namespace mambascope
