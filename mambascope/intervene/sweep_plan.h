// A sweep's work is split into passes by what each takes.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "mambascope/intervene/downstream.h"
#include "mambascope/model/kernels/batch_sizes.h"
#include "mambascope/model/model.h"

namespace mambascope {

// A SweepPlan counts what a sweep computes, beside what whole passes would.
struct SweepPlan {
  int64_t cases = 0;
  int64_t passes = 0;
  int64_t layer_tokens = 0;        // rows that go through a layer, base runs included
  int64_t naive_layer_tokens = 0;  // with a whole pass per case
  int64_t peak_rows = 0;           // segments' rows in the largest pass
  int64_t peak_bytes = 0;          // about what the largest pass takes
};

struct SweepOptions {
  // Bytes that one pass may take beside the weights: the work is split into as many passes as that
  // needs. With gradients, the graphs of all passes stay until backward.
  int64_t memory = kDefaultMemory;
  // Called with the plan, before the work.
  std::function<void(const SweepPlan&)> planned = {};
  // Called with cases done and cases in all, many times in a pass.
  std::function<void(int64_t done, int64_t total)> progress = {};
};

// Returns the plan alone.
SweepPlan PlanSweep(const Model& model, const std::vector<SweepBase>& bases,
                    const std::vector<SweepCase>& cases, const SweepOptions& options = {});

// Returns about how many bytes a RepeatedSweep keeps of its base runs.
int64_t RepeatedBytes(const Model& model, const std::vector<SweepBase>& bases,
                      const std::vector<SweepCase>& cases);

// A Pass is regions that go up together, in the order of the cases, and about how many bytes they
// take.
struct Pass {
  std::vector<DownstreamRegion> regions;
  int64_t bytes = 0;
};

// The segments' rows that go through a layer at a time: SweepRows of the device, so that what a
// layer hands from one operation to the next stays in the cache, and fewer where options.memory is
// small.
int64_t GroupRows(const Model& model, const SweepOptions& options);

// Splits the cases into passes. Throws Error for what Run would refuse, and where one case alone
// takes more than options.memory.
std::vector<Pass> SplitIntoPasses(const Model& model, const std::vector<SweepBase>& bases,
                                  const std::vector<SweepCase>& cases, const SweepOptions& options);

// Returns the plan of these passes.
SweepPlan SummarizePasses(const Model& model, const std::vector<SweepBase>& bases,
                          const std::vector<Pass>& passes);

}  // namespace mambascope
