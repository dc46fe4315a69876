// The run of a command over facts, in one or several models, and on one or several devices.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mambascope/cli/models.h"
#include "mambascope/jobs/fact_job.h"
#include "mambascope/model/kernels/worker_stream.h"

namespace mambascope {

// A run up to the point where its results are computed. Vectors have an item for each model.
struct FactsRun {
  // The runs of one model, one for each part (such as a site).
  using Describe =
      std::function<std::vector<RunDescription>(const LoadedModel&, const AskedFacts&)>;

  // Locks the folder, reads the facts, loads the models, refuses the folder of another run, opens
  // the stores, and chooses the facts. `parts` names the parts of results; one part needs no name.
  // `detail` ends the name of the default folder. Throws Error. REQUIRES: CheckFacts, CheckModels.
  FactsRun(const std::string& command, const CommonArguments& common,
           const FactArguments& arguments, const std::vector<std::string>& models,
           const std::vector<std::string>& parts, const std::string& detail,
           const Describe& describe);

  std::vector<std::vector<std::string>> names;  // of the stores, [model][part]
  OutputFolder folder;
  std::vector<LoadedModel> models;
  std::vector<std::vector<RunDescription>> runs;  // [model][part]
  std::vector<FactStores> stores;
  std::vector<FactWork> work;  // the same facts and other subjects, known by all models
};

// How much a fact takes.
struct FactLoad {
  int64_t sweeps = 1;
  int64_t rows = 1;  // about how many tokens a sweep recomputes in each layer: cells x tokens
  std::string shorter = "--limit takes fewer facts";  // what makes a long run shorter
};
// A usual number of tokens in a fact's prompt, and of tokens that a cell recomputes. They estimate
// a fact's load.
inline constexpr int64_t kUsualTokens = 12, kUsualRows = 6;

// Computes the results of some parts of `pairs` on a worker's model, as FactBatch does.
template <typename Result>
using ModelBatch = std::function<std::vector<Result>(
    const Model& model, const std::vector<FactPair>& pairs, const std::vector<FactPart>& parts,
    const CellOptions& cells, Audit& audit)>;

// The results of all parts of all facts, some facts at a time. Where there are stores, results go
// there as they come. `name` says on the terminal what runs, and `load` how much one part of a fact
// takes. Prints the plan for --explain, and for --check the largest difference. Returns
// [part][fact].
template <typename Result>
std::vector<std::vector<Result>> RunFacts(const std::string& name, const LoadedModel& one,
                                          const FactArguments& arguments, const FactWork& work,
                                          const FactLoad& load, FactStores& stores,
                                          const ModelBatch<Result>& batch);

// ---- what RunFacts is made of

FactJobOptions JobOptions(const std::string& name, const LoadedModel& one,
                          const FactArguments& arguments, const FactWork& work,
                          const FactLoad& load, const std::vector<ResultStore*>& stores);
void ReportJob(const CommonArguments& common, const Audit& audit, size_t facts, size_t already);

template <typename Result>
std::vector<std::vector<Result>> RunFacts(const std::string& name, const LoadedModel& one,
                                          const FactArguments& arguments, const FactWork& work,
                                          const FactLoad& load, FactStores& stores,
                                          const ModelBatch<Result>& batch) {
  const FactJobOptions options = JobOptions(name, one, arguments, work, load, stores.all());
  std::vector<WorkerStream> streams;
  for (size_t i = 0; i < options.workers; ++i) streams.emplace_back(one.of_workers[i].device());
  FactJobResult<Result> job = RunFactJob<Result>(
      work.pairs, options,
      [&](size_t worker, const std::vector<FactPair>& pairs, const std::vector<FactPart>& parts,
          const CellOptions& cells, Audit& audit) {
        const auto guard = streams[worker].Use();
        return batch(one.of_workers[worker], pairs, parts, cells, audit);
      });
  ReportJob(one.common, job.audit, work.pairs.size(), job.already);
  return std::move(job.results);
}

}  // namespace mambascope
