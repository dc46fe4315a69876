// Jobs of the experiments on facts. An item is one part of a fact, such as its trace at one site.
// The items of a batch share one sweep.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mambascope/experiments/cells.h"
#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/jobs/job.h"

namespace mambascope {

struct FactJobOptions {
  CellOptions cells = {};
  size_t at_a_time = 1;  // facts per batch
  size_t workers = 1;    // of Job
  int64_t sweeps = 1;    // number of sweeps in a batch; they have about equal size
  // [part]; null: results of the part are not stored
  std::vector<ResultStore*> stores = {nullptr};
  std::function<void(const JobProgress&)> progress = {};  // counts cells
};

// The key of a fact's result: a digest of everything in the pair, since the numbers depend on all
// of it.
std::string FactKey(const FactPair& pair);

// One line about the work of a sweep. `already` is the number of facts whose results were stored.
std::string PlanText(const SweepPlan& plan, size_t facts, size_t already);

// One line about the rechecked cells. Throws Error where their p(answer) differs by more than
// `allowed`.
std::string CheckText(const Audit& audit, double allowed);

// One part of a fact. `fact` is an index into some facts.
struct FactPart {
  size_t fact = 0, part = 0;
};

// Computes the results of some parts of `pairs` with `cells`, in the order of `parts`. Adds to the
// audit. Several workers call it at the same time, each with an audit of its own.
template <typename Result>
using FactBatch = std::function<std::vector<Result>(
    size_t worker, const std::vector<FactPair>& pairs, const std::vector<FactPart>& parts,
    const CellOptions& cells, Audit& audit)>;

template <typename Result>
struct FactJobResult {
  std::vector<std::vector<Result>> results;  // [part][fact], in the order given
  Audit audit;
  size_t already = 0;  // facts of which all results were stored
};

// The different facts of `items`. `parts` has the same items, with indices into `pairs`.
struct SomeFacts {
  std::vector<FactPair> pairs;
  std::vector<FactPart> parts;
};
SomeFacts TakeSome(const std::vector<FactPair>& pairs, const std::vector<FactPart>& items);

template <typename Result>
FactJobResult<Result> RunFactJob(const std::vector<FactPair>& pairs, const FactJobOptions& options,
                                 const FactBatch<Result>& batch) {
  const size_t parts = options.stores.size();
  FactJobResult<Result> outcome;
  Job<FactPart, Result> job{
      .key = [&](const FactPart& item) { return FactKey(pairs[item.fact]); },
      .run = {},
      .at_a_time = options.at_a_time * parts,
      .workers = options.workers,
      .store = ItemStore<FactPart>([&](const FactPart& item) { return options.stores[item.part]; }),
      .progress = options.progress};
  std::vector<Audit> audits(options.workers);
  job.run = [&](const std::vector<FactPart>& items, const BatchReport<Result>& report) {
    Audit& audit = audits[report.worker];
    const int64_t before = audit.plan.cases;
    CellOptions cells = options.cells;
    int64_t sweep = -1, planned = before;  // index of the current sweep; cells up to its end
    // When this is called, the audit already includes the current sweep's plan.
    cells.sweep.progress = [&, before](int64_t cell, int64_t of) {
      if (sweep < 0 || audit.plan.cases != planned) ++sweep;
      planned = audit.plan.cases;
      const double of_sweep = static_cast<double>(cell) / static_cast<double>(of);
      report.progress((static_cast<double>(sweep) + of_sweep) / static_cast<double>(options.sweeps),
                      planned - of - before + cell);
    };
    const SomeFacts some = TakeSome(pairs, items);
    return batch(report.worker, some.pairs, some.parts, cells, audit);
  };
  std::vector<FactPart> items;
  for (size_t fact = 0; fact < pairs.size(); ++fact) {
    const size_t first = items.size();
    for (size_t part = 0; part < parts; ++part) items.push_back({fact, part});
    const std::vector<FactPart> own(items.begin() + static_cast<int64_t>(first), items.end());
    outcome.already += CountDone(job, own) == parts ? 1 : 0;
  }
  std::vector<Result> results = RunJob(job, items);
  for (const Audit& audit : audits) outcome.audit.Add(audit);
  outcome.results.resize(parts);
  for (size_t i = 0; i < items.size(); ++i)
    outcome.results[items[i].part].push_back(std::move(results[i]));
  return outcome;
}

}  // namespace mambascope
