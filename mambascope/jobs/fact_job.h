// Jobs of the experiments on facts. Each fact is an item, and the facts of a batch share one sweep.
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
  int64_t sweeps = 1;    // of a batch, of about equal size
  ResultStore* store = nullptr;
  std::function<void(const JobProgress&)> progress = {};  // counts cells
};

// The key of a fact's result. It is made of the relation, the prompt and the other subject.
std::string FactKey(const FactPair& pair);

// One line about the work of a sweep. `already` is the number of facts whose results were stored.
std::string PlanText(const SweepPlan& plan, size_t facts, size_t already);

// One line about the rechecked cells. Throws Error where they differ by more than rounding
// explains.
std::string CheckText(const Audit& audit, at::ScalarType dtype);

// Computes the results of some facts with `cells`. Adds to the audit.
template <typename Result>
using FactBatch = std::function<std::vector<Result>(const std::vector<FactPair>& pairs,
                                                    const CellOptions& cells, Audit& audit)>;

template <typename Result>
struct FactJobResult {
  std::vector<Result> results;  // of all facts, in the order given
  Audit audit;
  size_t already = 0;  // facts whose results were stored
};

template <typename Result>
FactJobResult<Result> RunFactJob(const std::vector<FactPair>& pairs, const FactJobOptions& options,
                                 const FactBatch<Result>& batch) {
  FactJobResult<Result> outcome;
  Job<FactPair, Result> job{.key = FactKey,
                            .run = {},
                            .at_a_time = options.at_a_time,
                            .store = options.store,
                            .progress = options.progress};
  job.run = [&](const std::vector<FactPair>& some, const BatchReport<Result>& report) {
    const int64_t before = outcome.audit.plan.cases;
    CellOptions cells = options.cells;
    int64_t sweep = -1, planned = before;  // index of the current sweep; cells up to its end
    // When this is called, the audit already includes the current sweep's plan.
    cells.sweep.progress = [&, before](int64_t cell, int64_t of) {
      if (sweep < 0 || outcome.audit.plan.cases != planned) ++sweep;
      planned = outcome.audit.plan.cases;
      const double of_sweep = static_cast<double>(cell) / static_cast<double>(of);
      report.progress((static_cast<double>(sweep) + of_sweep) / static_cast<double>(options.sweeps),
                      planned - of - before + cell);
    };
    return batch(some, cells, outcome.audit);
  };
  outcome.already = CountDone(job, pairs);
  outcome.results = RunJob(job, pairs);
  return outcome;
}

}  // namespace mambascope
