#include "mambascope/intervene/sweep_plan.h"

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "mambascope/error.h"
#include "mambascope/intervene/sweep_memory.h"
#include "mambascope/model/kernels/batch_sizes.h"

namespace mambascope {

int64_t GroupRows(const Model& model, const SweepOptions& options) {
  return std::clamp<int64_t>(options.memory / 4 / LayerCosts(model).Row(), 1,
                             SweepRows(model.device()));
}

std::vector<Pass> SplitIntoPasses(const Model& model, const std::vector<SweepBase>& bases,
                                  const std::vector<SweepCase>& cases,
                                  const SweepOptions& options) {
  std::vector<Pass> passes;
  const int64_t group_rows = GroupRows(model, options),
                group_bytes = group_rows * LayerCosts(model).Row();
  PassMemory memory(model, bases, group_rows);
  for (const DownstreamRegion& region : FindRegions(model, bases, cases)) {
    int64_t cost = memory.Count(region);
    const bool is_full = !passes.empty() && options.most_cases > 0 &&
                         static_cast<int64_t>(passes.back().regions.size()) >= options.most_cases;
    if (passes.empty() || is_full || passes.back().bytes + cost > options.memory) {
      memory.Clear();
      cost = memory.Count(region);
      passes.push_back({.regions = {}, .bytes = group_bytes});
      const int64_t alone = passes.back().bytes + cost;
      if (alone > options.memory)
        throw Error(fmt::format("one variant of a {}-token prompt takes about {} KiB of "
                                "memory; {} KiB are allowed",
                                bases[region.work->base].ids.size(), (alone >> 10) + 1,
                                options.memory >> 10),
                    "allow more with --memory");
    }
    passes.back().bytes += cost;
    passes.back().regions.push_back(region);
    memory.Add(region);
  }
  return passes;
}

SweepPlan SummarizePasses(const Model& model, const std::vector<SweepBase>& bases,
                          const std::vector<Pass>& passes) {
  SweepPlan plan{.passes = static_cast<int64_t>(passes.size())};
  for (const Pass& pass : passes) {
    std::set<size_t> used;
    int64_t rows = 0;
    for (const DownstreamRegion& region : pass.regions) {
      const auto tokens = static_cast<int64_t>(bases[region.work->base].ids.size());
      rows += region.rows();
      plan.layer_tokens += region.rows() * (model.layers() - region.layer);
      plan.naive_layer_tokens += tokens * model.layers();
      if (used.insert(region.work->base).second) plan.layer_tokens += tokens * model.layers();
    }
    plan.cases += static_cast<int64_t>(pass.regions.size());
    plan.peak_rows = std::max(plan.peak_rows, rows);
    plan.peak_bytes = std::max(plan.peak_bytes, pass.bytes);
  }
  return plan;
}

SweepPlan PlanSweep(const Model& model, const std::vector<SweepBase>& bases,
                    const std::vector<SweepCase>& cases, const SweepOptions& options) {
  return SummarizePasses(model, bases, SplitIntoPasses(model, bases, cases, options));
}

int64_t RepeatedBytes(const Model& model, const std::vector<SweepBase>& bases,
                      const std::vector<SweepCase>& cases) {
  const LayerCosts costs(model);
  // (base run, token) -> the first layer that reads the carry there.
  std::map<std::pair<size_t, int64_t>, int> slots;
  std::map<size_t, int> used;  // base run -> the first layer at which a segment joins
  std::map<std::tuple<int, size_t, int64_t>, std::set<std::vector<Sources>, HiddenOrder>> cut_slots;
  for (const DownstreamRegion& region : FindRegions(model, bases, cases)) {
    if (region.continues(model)) {
      int& first =
          slots.emplace(std::pair(region.work->base, region.first), region.layer).first->second;
      first = std::min(first, region.layer);
      for (const auto& [layer, hidden] : FindCutCarries(model, bases[region.work->base], region))
        cut_slots[{layer, region.work->base, region.first}].insert(hidden.begin(), hidden.end());
    }
    int& first = used.emplace(region.work->base, region.layer).first->second;
    first = std::min(first, region.layer);
  }
  int64_t bytes = 0;
  for (const auto& [slot, layer] : slots) bytes += costs.Sum(layer, &LayerCost::slot);
  for (const auto& [slot, hidden] : cut_slots)
    bytes += costs[std::get<0>(slot)].slot * static_cast<int64_t>(hidden.size());
  for (const auto& [base, layer] : used) {
    const int64_t keys_and_values = costs.Sum(layer, &LayerCost::keys_and_values);
    const int64_t input = model.config().d_model * static_cast<int64_t>(sizeof(float));
    bytes += static_cast<int64_t>(bases[base].ids.size()) * (keys_and_values + input);
  }
  return bytes;
}

}  // namespace mambascope
