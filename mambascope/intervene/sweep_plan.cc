#include "mambascope/intervene/sweep_plan.h"

#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "mambascope/error.h"
#include "mambascope/model/kernels/batch_sizes.h"

namespace mambascope {
namespace {

// What the layers of a model take.
class Costs {
 public:
  explicit Costs(const Model& model) {
    for (int l = 0; l < model.layers(); ++l) layers_.push_back(model.layer(l).cost());
  }
  const LayerCost& operator[](int layer) const { return layers_[static_cast<size_t>(layer)]; }

  // One layer's rows are computed at a time.
  int64_t Row() const {
    return Most([](const LayerCost& cost) { return cost.row; });
  }
  int64_t Slot() const {
    return Most([](const LayerCost& cost) { return cost.slot; });
  }
  // A base run of so many tokens while one layer computes it: its rows, and its attention scores.
  int64_t Base(int64_t tokens) const {
    return Most([&](const LayerCost& cost) { return Base(cost, tokens); });
  }
  // The same where every layer's stay, for the backward pass.
  int64_t KeptBase(int64_t tokens) const {
    return Sum(0, [&](const LayerCost& cost) { return Base(cost, tokens); });
  }
  // The sum over the layers from `first` on.
  template <typename Take>
  int64_t Sum(int first, const Take& take) const {
    int64_t sum = 0;
    for (size_t l = static_cast<size_t>(first); l < layers_.size(); ++l) sum += take(layers_[l]);
    return sum;
  }

 private:
  static int64_t Base(const LayerCost& cost, int64_t tokens) { return tokens * cost.row + cost.pair * tokens * tokens; }
  template <typename Take>
  int64_t Most(const Take& take) const {
    int64_t most = 0;
    for (const LayerCost& cost : layers_) most = std::max(most, take(cost));
    return most;
  }

  std::vector<LayerCost> layers_;
};

bool Differentiates(const Variant& variant) {
  return c10::GradMode::is_enabled() && std::any_of(variant.begin(), variant.end(), [](const Intervention& intervention) {
           const auto* set = std::get_if<Set>(&intervention);
           const auto* add = std::get_if<Add>(&intervention);
           return (set != nullptr && set->value.requires_grad()) || (add != nullptr && add->delta.requires_grad());
         });
}

// Counts what a pass takes as regions are added to it.
class Account {
 public:
  Account(const Model& model, const std::vector<SweepBase>& bases, int64_t group_rows)
      : model_(model), costs_(model), bases_(bases), group_rows_(group_rows) {}

  void Clear() {
    used_.clear();
    slots_.clear();
    cut_slots_.clear();
    walks_.clear();
    peak_ = 0;
  }
  // Bytes that `region` adds. Two residuals of every row are alive at a time; a differentiated row keeps what each layer computes.
  int64_t Cost(const DownstreamRegion& region) const {
    const SweepBase& base = bases_[region.work->base];
    const auto tokens = static_cast<int64_t>(base.ids.size());
    const bool keeps = Differentiates(region.work->variant) || Differentiates(base.variant);
    const int64_t row = keeps ? costs_.Sum(region.layer, [](const LayerCost& cost) { return cost.row; })
                              : 2 * model_.config().d_model * static_cast<int64_t>(sizeof(float));
    int64_t bytes = region.rows() * row + std::max<int64_t>(0, region.rows() - group_rows_) * costs_.Row();
    if (!used_.contains(region.work->base)) bytes += Differentiates(base.variant) ? costs_.KeptBase(tokens) : costs_.Base(tokens);
    if (region.continues(model_) && !slots_.contains({region.work->base, region.first})) bytes += costs_.Slot();
    int64_t peak = peak_;
    for (const auto& [layer, hidden] : FindCutCarries(model_, base, region)) {
      const auto at = cut_slots_.find({layer, region.work->base, region.first});
      const auto is_new = [&](const std::vector<Sources>& sources) { return at == cut_slots_.end() || !at->second.contains(sources); };
      const auto walks = std::count_if(hidden.begin(), hidden.end(), is_new);
      const auto found = walks_.find(layer);
      peak = std::max(peak, (found == walks_.end() ? 0 : found->second) + walks * WalkBytes(layer, region));
    }
    return bytes + peak - peak_;
  }
  void Add(const DownstreamRegion& region) {
    used_.insert(region.work->base);
    slots_.insert({region.work->base, region.first});
    for (const auto& [layer, hidden] : FindCutCarries(model_, bases_[region.work->base], region)) {
      for (const std::vector<Sources>& sources : hidden) {
        if (cut_slots_[{layer, region.work->base, region.first}].insert(sources).second) walks_[layer] += WalkBytes(layer, region);
      }
      peak_ = std::max(peak_, walks_[layer]);
    }
  }

 private:
  // One walk of the base run's scan up to the region, and the carry that it keeps.
  int64_t WalkBytes(int layer, const DownstreamRegion& region) const {
    return costs_[layer].slot + region.first * costs_[layer].walked_row;
  }

  const Model& model_;
  const Costs costs_;
  const std::vector<SweepBase>& bases_;
  const int64_t group_rows_;
  std::set<size_t> used_;
  std::set<std::pair<size_t, int64_t>> slots_;
  std::map<std::tuple<int, size_t, int64_t>, std::set<std::vector<Sources>, HiddenOrder>> cut_slots_;  // layer, base, token
  std::map<int, int64_t> walks_;  // layer -> bytes of the base runs' walks without sources there
  int64_t peak_ = 0;              // the most of them
};

}  // namespace

int64_t GroupRows(const Model& model, const SweepOptions& options) {
  return std::clamp<int64_t>(options.memory / 4 / Costs(model).Row(), 1, SweepRows(model.device()));
}

std::vector<Pass> SplitIntoPasses(const Model& model, const std::vector<SweepBase>& bases, const std::vector<SweepCase>& cases,
                                  const SweepOptions& options) {
  std::vector<Pass> passes;
  const int64_t group_rows = GroupRows(model, options), group_bytes = group_rows * Costs(model).Row();
  Account account(model, bases, group_rows);
  for (const DownstreamRegion& region : FindRegions(model, bases, cases)) {
    int64_t cost = account.Cost(region);
    if (passes.empty() || passes.back().bytes + cost > options.memory) {
      account.Clear();
      cost = account.Cost(region);
      passes.push_back({.regions = {}, .bytes = group_bytes});
      const int64_t alone = passes.back().bytes + cost;
      if (alone > options.memory)
        throw Error(fmt::format("one variant of a prompt of {} tokens takes about {} KiB of memory; {} KiB are allowed",
                                bases[region.work->base].ids.size(), (alone >> 10) + 1, options.memory >> 10),
                    "allow more, with --memory");
    }
    passes.back().bytes += cost;
    passes.back().regions.push_back(region);
    account.Add(region);
  }
  return passes;
}

SweepPlan SummarizePasses(const Model& model, const std::vector<SweepBase>& bases, const std::vector<Pass>& passes) {
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

SweepPlan PlanSweep(const Model& model, const std::vector<SweepBase>& bases, const std::vector<SweepCase>& cases,
                    const SweepOptions& options) {
  return SummarizePasses(model, bases, SplitIntoPasses(model, bases, cases, options));
}

int64_t RepeatedBytes(const Model& model, const std::vector<SweepBase>& bases, const std::vector<SweepCase>& cases) {
  const Costs costs(model);
  std::map<std::pair<size_t, int64_t>, int> slots;  // base run, token -> the first layer that reads it
  std::map<size_t, int> used;                       // base run -> the first layer that joins it
  std::map<std::tuple<int, size_t, int64_t>, std::set<std::vector<Sources>, HiddenOrder>> cut_slots;
  for (const DownstreamRegion& region : FindRegions(model, bases, cases)) {
    if (region.continues(model)) {
      int& first = slots.emplace(std::pair(region.work->base, region.first), region.layer).first->second;
      first = std::min(first, region.layer);
      for (const auto& [layer, hidden] : FindCutCarries(model, bases[region.work->base], region))
        cut_slots[{layer, region.work->base, region.first}].insert(hidden.begin(), hidden.end());
    }
    int& first = used.emplace(region.work->base, region.layer).first->second;
    first = std::min(first, region.layer);
  }
  int64_t bytes = 0;
  for (const auto& [slot, layer] : slots) bytes += costs.Sum(layer, [](const LayerCost& cost) { return cost.slot; });
  for (const auto& [slot, hidden] : cut_slots) bytes += costs[std::get<0>(slot)].slot * static_cast<int64_t>(hidden.size());
  for (const auto& [base, layer] : used) {
    const int64_t keys_and_values = costs.Sum(layer, [](const LayerCost& cost) { return cost.keys_and_values; });
    const int64_t input = model.config().d_model * static_cast<int64_t>(sizeof(float));
    bytes += static_cast<int64_t>(bases[base].ids.size()) * (keys_and_values + input);
  }
  return bytes;
}

}  // namespace mambascope
