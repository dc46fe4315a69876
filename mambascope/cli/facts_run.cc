#include "mambascope/cli/facts_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "mambascope/cli/prompt_warnings.h"
#include "mambascope/error.h"
#include "mambascope/jobs/fact_job.h"
#include "mambascope/model/kernels/batch_sizes.h"

namespace mambascope {
namespace {

// The facts of the first model for another one's tokenizer.
FactWork Translate(const FactWork& work, const AskedFacts& asked, const Tokenizer& tokenizer) {
  FactWork own = work;
  own.noise = asked.noise;
  if (asked.one) own.pairs = {*asked.one};
  for (size_t i = 0; i < own.facts.size(); ++i) {
    const Fact& fact = own.facts[i];
    FactPair& pair = own.pairs[i];
    pair.clean = MakePrompt(tokenizer, fact.pattern, fact.subject);
    if (pair.corrupt) pair.corrupt = MakePrompt(tokenizer, fact.pattern, pair.corrupt->subject);
  }
  return own;
}

std::vector<FactWork> ChooseForAll(const CommonArguments& common, const FactArguments& o,
                                   const std::vector<AskedFacts>& asked,
                                   const std::vector<LoadedModel>& models) {
  std::vector<FurtherModel> others;
  for (size_t i = 1; i < models.size(); ++i)
    others.push_back({&models[i].model(), &models[i].tokenizer});
  std::vector<FactWork> work = {
      ChooseFacts(common, o, asked.at(0), models.at(0).model(), models.at(0).tokenizer, others)};
  for (size_t i = 1; i < models.size(); ++i)
    work.push_back(Translate(work[0], asked[i], models[i].tokenizer));
  return work;
}

// The number of tokens of the longest prompt.
int64_t LongestPrompt(const FactWork& work) {
  size_t longest = 0;
  for (const FactPair& pair : work.pairs)
    longest =
        std::max({longest, pair.clean.ids.size(), pair.corrupt ? pair.corrupt->ids.size() : 0});
  return static_cast<int64_t>(longest);
}

constexpr int64_t kRecheckedCells = 8;  // of each sweep, for --check

// Number of facts that lack a result.
size_t OpenFacts(const FactWork& work, const std::vector<ResultStore*>& stores) {
  const auto is_open = [&](const FactPair& pair) {
    const std::string key = FactKey(pair);
    return std::any_of(stores.begin(), stores.end(), [&](const ResultStore* store) {
      return store == nullptr || store->Find(key) == nullptr;
    });
  };
  return static_cast<size_t>(std::count_if(work.pairs.begin(), work.pairs.end(), is_open));
}

// The number of a model's workers on each device.
std::map<std::string, int64_t> OnDevices(const LoadedModel& one) {
  std::map<std::string, int64_t> count;
  for (const Model& model : one.of_workers) ++count[model.device().str()];
  return count;
}

}  // namespace

FactJobOptions JobOptions(const std::string& name, const LoadedModel& one, const FactArguments& o,
                          const FactWork& work, const FactLoad& load,
                          const std::vector<ResultStore*>& stores) {
  const CommonArguments& common = one.common;
  const auto parts = static_cast<int64_t>(stores.size());
  FactJobOptions options{
      .cells = {.recheck = common.check ? kRecheckedCells : 0, .seed = common.Seed()},
      .at_a_time = FactsTogether(one.model().device(), one.model().parameters(),
                                 load.sweeps * load.rows * parts),
      .sweeps = load.sweeps,
      .stores = stores,
      .progress = ShowProgress(common, name + ": facts", "cells", load.shorter)};
  // --memory is for a device, so one worker takes it all. Otherwise a worker's share does not
  // depend on the number of workers with work: groups of other sizes change a GPU's last digits.
  const std::map<std::string, int64_t> together = OnDevices(one);
  const size_t most = o.memory ? together.size() : one.of_workers.size(),
               batches = (OpenFacts(work, stores) + options.at_a_time - 1) / options.at_a_time;
  options.workers = std::clamp<size_t>(batches, 1, most);
  int64_t memory = std::numeric_limits<int64_t>::max();
  for (const Model& model : one.of_workers) {
    const int64_t share = o.memory ? 1 : together.at(model.device().str());
    memory = std::min(memory, MemoryLimit(o.memory, model) / share);
  }
  options.cells.sweep.memory = memory;
  return options;
}

void ReportJob(const CommonArguments& common, const Audit& audit, size_t facts, size_t already) {
  if (common.explain) PrintLine(PlanText(audit.plan, facts - already, already));
  if (common.check) PrintLine(CheckText(audit, common.AllowedDifference()));
}

FactsRun::FactsRun(const std::string& command, const CommonArguments& common,
                   const FactArguments& arguments, const std::vector<std::string>& model_paths,
                   const std::vector<std::string>& parts, const std::string& detail,
                   const Describe& describe)
    : names(StoreNames(command, model_paths, parts)),
      folder(OpenFolder(command, common, arguments,
                        DefaultFolder(command, model_paths, detail, arguments.files()), names)) {
  const AskedFacts given = ReadFacts(common, arguments);
  models = LoadModels(common, model_paths);
  if (arguments.answer) WarnOfAnswer(common, models[0].tokenizer, "the answer", *arguments.answer);
  if (arguments.corruption && arguments.corruption->other_answer)
    WarnOfAnswer(common, models[0].tokenizer, "the other answer",
                 *arguments.corruption->other_answer);
  std::vector<AskedFacts> asked;
  std::vector<Json> identities;
  for (const LoadedModel& one : models) {
    asked.push_back(given);
    try {
      FitFacts(common, arguments, one.model(), one.tokenizer, asked.back());
      runs.push_back(describe(one, asked.back()));
    } catch (const Error& e) {
      if (models.size() == 1) throw;
      throw Error(fmt::format("{}: {}", one.name, e.what()));
    }
    for (const RunDescription& run : runs.back()) identities.push_back(run.identity);
  }
  RefuseOtherRun(folder, command, identities, arguments.output.others());
  for (size_t i = 0; i < models.size(); ++i)
    stores.emplace_back(names[i], common, arguments, folder, runs[i]);
  work = ChooseForAll(common, arguments, asked, models);
  for (size_t i = 0; i < models.size(); ++i)
    WarnOfLength(models[i].common, models[i].model(), LongestPrompt(work[i]));
  if (!common.shard) return;
  for (size_t i = 0; i < models.size(); ++i) {
    FactWork& own = work[i];
    for (RunDescription& run : runs[i]) run.MentionsList(own.pairs, FactKey);
    own.pairs = common.shard->Take(own.pairs, "facts");
    own.facts = common.shard->Take(own.facts, "facts");
  }
}

}  // namespace mambascope
