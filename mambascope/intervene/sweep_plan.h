// Splits a sweep into passes that fit the memory limit.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "mambascope/intervene/downstream.h"
#include "mambascope/model/kernels/batch_sizes.h"
#include "mambascope/model/model.h"

namespace mambascope {

// Counts the work of a sweep and compares it with one whole pass per case.
struct SweepPlan {
  int64_t cases = 0;
  int64_t passes = 0;
  int64_t layer_tokens = 0;        // rows summed over layers, including base runs
  int64_t naive_layer_tokens = 0;  // the same with a whole pass per case
  int64_t peak_rows = 0;           // rows of segments in the largest pass
  int64_t peak_bytes = 0;          // estimated memory of the largest pass
};

struct SweepOptions {
  // Limit on the bytes of one pass, without the weights. The sweep is split into as many passes as
  // this needs. With gradients, the graphs of all passes stay in memory until the backward pass.
  int64_t memory = kDefaultMemory;
  // Most cases of one pass; 0: no limit. Small passes take longer, and give `found` more often.
  int64_t most_cases = 0;
  // Called with the plan before the work starts.
  std::function<void(const SweepPlan&)> planned = {};
  // Called often during a pass, with the number of finished cases and of all cases.
  std::function<void(int64_t done, int64_t total)> progress = {};
  // Called after each pass with rows of the result that it computed, [n, d_model], and their
  // indices in the result.
  std::function<void(const std::vector<int64_t>& rows, const at::Tensor& states)> found = {};
};

// Returns the plan without running the sweep.
SweepPlan PlanSweep(const Model& model, const std::vector<SweepBase>& bases,
                    const std::vector<SweepCase>& cases, const SweepOptions& options = {});

// Estimates the bytes of base-run data that a RepeatedSweep keeps.
int64_t RepeatedBytes(const Model& model, const std::vector<SweepBase>& bases,
                      const std::vector<SweepCase>& cases);

// Regions that are computed together, in the order of the cases, and an estimate of their bytes.
struct Pass {
  std::vector<DownstreamRegion> regions;
  int64_t bytes = 0;
};

// Number of segment rows that go through a layer at a time. It is SweepRows of the device, so that
// intermediate results stay in the cache, or less when options.memory is small.
int64_t GroupRows(const Model& model, const SweepOptions& options);

// Splits the cases into passes. Throws Error where Run would, and when one case alone needs more
// than options.memory.
std::vector<Pass> SplitIntoPasses(const Model& model, const std::vector<SweepBase>& bases,
                                  const std::vector<SweepCase>& cases, const SweepOptions& options);

// Returns the plan for these passes.
SweepPlan SummarizePasses(const Model& model, const std::vector<SweepBase>& bases,
                          const std::vector<Pass>& passes);

}  // namespace mambascope
