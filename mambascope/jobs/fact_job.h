// The jobs of the experiments on facts: each fact is an item, and the facts of a batch share one
// sweep.
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
  size_t at_a_time = 1;  // facts
  ResultStore* store = nullptr;
  std::function<void(const JobProgress&)> progress = {};  // counts cells
};

// What tells a fact's result from others: relation, prompt and the other subject.
std::string FactKey(const FactPair& pair);

// What a sweep computed, in one line. `already`: facts whose results were there.
std::string PlanText(const SweepPlan& plan, size_t facts, size_t already);

// What was computed twice, in one line. Throws Error where the difference is larger than rounding
// explains.
std::string CheckText(const Audit& audit, at::ScalarType dtype);

// Results of some facts, computed with `cells`; adds to the audit.
template <typename Result>
using FactBatch = std::function<std::vector<Result>(const std::vector<FactPair>& pairs,
                                                    const CellOptions& cells, Audit& audit)>;

template <typename Result>
struct FactJobResult {
  std::vector<Result> results;  // of all facts, in their order
  Audit audit;
  size_t already = 0;  // facts whose results were there
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
  job.run = [&](const std::vector<FactPair>& some,
                const std::function<void(double, int64_t)>& progress) {
    const int64_t before = outcome.audit.plan.cases;
    CellOptions cells = options.cells;
    // The plan of the sweep at hand is in the audit already when this is called.
    cells.sweep.progress = [&, before](int64_t cell, int64_t of) {
      const int64_t earlier_sweeps = outcome.audit.plan.cases - of - before;
      progress(static_cast<double>(cell) / static_cast<double>(of), earlier_sweeps + cell);
    };
    return batch(some, cells, outcome.audit);
  };
  outcome.already = CountDone(job, pairs);
  outcome.results = RunJob(job, pairs);
  return outcome;
}

}  // namespace mambascope
