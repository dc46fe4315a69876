#include "mambascope/intervene/sweep_plan.h"

#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "mambascope/error.h"

namespace mambascope {
namespace {

// About how many bytes one row takes while a layer computes it. Off the CPU kernels a step of the scan holds about 5 carries of every
// segment, and a segment may be one row.
int64_t BytesPerRow(const Model& model) {
  const Config& c = model.config();
  const int64_t scan = model.device().is_cpu() ? 0 : 5 * c.ssm.d_inner * c.ssm.d_state;
  const int64_t widths = 6 * c.d_model + 10 * c.ssm.d_inner + 4 * c.attention.heads * c.attention.head_dim + 4 * c.mlp.width + scan;
  return widths * static_cast<int64_t>(sizeof(float));
}

// Of a base run while a layer computes it: its rows, and its attention scores.
int64_t BytesOfBase(const Model& model, int64_t tokens) {
  return tokens * BytesPerRow(model) + 5 * static_cast<int64_t>(sizeof(float)) * model.config().attention.heads * tokens * tokens;
}

// Of the carry that a Mamba layer keeps at one token. A transformer's is its keys and values, which its rows have anyway.
int64_t BytesPerSlot(const Config& c) { return c.ssm.d_inner * (c.ssm.d_state + c.ssm.d_conv) * static_cast<int64_t>(sizeof(float)); }

bool Differentiates(const Variant& variant) {
  return c10::GradMode::is_enabled() && std::any_of(variant.begin(), variant.end(), [](const Intervention& intervention) {
           const auto* set = std::get_if<Set>(&intervention);
           const auto* add = std::get_if<Add>(&intervention);
           return (set != nullptr && set->value.requires_grad()) || (add != nullptr && add->delta.requires_grad());
         });
}

// Counts what a pass takes as cones are added to it.
class Account {
 public:
  Account(const Model& model, const std::vector<SweepBase>& bases, int64_t group_rows)
      : model_(model), bases_(bases), group_rows_(group_rows) {}

  void Clear() {
    used_.clear();
    slots_.clear();
    cut_slots_.clear();
    walks_.clear();
    peak_ = 0;
  }
  // Bytes that `cone` adds. Two residuals of every row are alive at a time; a differentiated row keeps what each layer computes.
  int64_t Cost(const Cone& cone) const {
    const Config& c = model_.config();
    const SweepBase& base = bases_[cone.work->base];
    const bool keeps = Differentiates(cone.work->variant) || Differentiates(base.variant);
    const int64_t row = keeps ? BytesPerRow(model_) * (model_.layers() - cone.layer) : 2 * c.d_model * static_cast<int64_t>(sizeof(float));
    int64_t bytes = cone.rows() * row + std::max<int64_t>(0, cone.rows() - group_rows_) * BytesPerRow(model_);
    if (!used_.contains(cone.work->base))
      bytes += BytesOfBase(model_, static_cast<int64_t>(base.ids.size())) * (Differentiates(base.variant) ? model_.layers() : 1);
    if (cone.continues(model_) && !slots_.contains({cone.work->base, cone.first})) bytes += BytesPerSlot(c);
    int64_t peak = peak_;
    for (const auto& [layer, hidden] : CutCarriesOf(model_, base, cone)) {
      const auto at = cut_slots_.find({layer, cone.work->base, cone.first});
      const auto is_new = [&](const std::vector<Sources>& sources) { return at == cut_slots_.end() || !at->second.contains(sources); };
      const auto walks = std::count_if(hidden.begin(), hidden.end(), is_new);
      const auto found = walks_.find(layer);
      peak = std::max(peak, (found == walks_.end() ? 0 : found->second) + walks * BytesOfWalk(cone));
    }
    return bytes + peak - peak_;
  }
  void Add(const Cone& cone) {
    used_.insert(cone.work->base);
    slots_.insert({cone.work->base, cone.first});
    for (const auto& [layer, hidden] : CutCarriesOf(model_, bases_[cone.work->base], cone)) {
      for (const std::vector<Sources>& sources : hidden) {
        if (cut_slots_[{layer, cone.work->base, cone.first}].insert(sources).second) walks_[layer] += BytesOfWalk(cone);
      }
      peak_ = std::max(peak_, walks_[layer]);
    }
  }

 private:
  // One walk of the base run's scan up to the cone, and the carry that it keeps.
  int64_t BytesOfWalk(const Cone& cone) const {
    return BytesPerSlot(model_.config()) + cone.first * 5 * model_.config().ssm.d_inner * static_cast<int64_t>(sizeof(float));
  }

  const Model& model_;
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
  const int64_t best = model.device().is_cpu() ? 1024 : 32768;
  return std::clamp<int64_t>(options.memory / 4 / BytesPerRow(model), 1, best);
}

std::vector<Pass> SplitIntoPasses(const Model& model, const std::vector<SweepBase>& bases, const std::vector<SweepCase>& cases,
                                  const SweepOptions& options) {
  std::vector<Pass> passes;
  const int64_t group_rows = GroupRows(model, options);
  Account account(model, bases, group_rows);
  for (const Cone& cone : ConesOf(model, bases, cases)) {
    int64_t cost = account.Cost(cone);
    if (passes.empty() || passes.back().bytes + cost > options.memory) {
      account.Clear();
      cost = account.Cost(cone);
      passes.push_back({.cones = {}, .bytes = group_rows * BytesPerRow(model)});
      const int64_t alone = passes.back().bytes + cost;
      if (alone > options.memory)
        throw Error(fmt::format("one variant of a prompt of {} tokens takes about {} KiB of memory; {} KiB are allowed",
                                bases[cone.work->base].ids.size(), (alone >> 10) + 1, options.memory >> 10),
                    "allow more, with --memory");
    }
    passes.back().bytes += cost;
    passes.back().cones.push_back(cone);
    account.Add(cone);
  }
  return passes;
}

SweepPlan PlanOf(const Model& model, const std::vector<SweepBase>& bases, const std::vector<Pass>& passes) {
  SweepPlan plan{.passes = static_cast<int64_t>(passes.size())};
  for (const Pass& pass : passes) {
    std::set<size_t> used;
    int64_t rows = 0;
    for (const Cone& cone : pass.cones) {
      const auto tokens = static_cast<int64_t>(bases[cone.work->base].ids.size());
      rows += cone.rows();
      plan.layer_tokens += cone.rows() * (model.layers() - cone.layer);
      plan.naive_layer_tokens += tokens * model.layers();
      if (used.insert(cone.work->base).second) plan.layer_tokens += tokens * model.layers();
    }
    plan.cases += static_cast<int64_t>(pass.cones.size());
    plan.peak_rows = std::max(plan.peak_rows, rows);
    plan.peak_bytes = std::max(plan.peak_bytes, pass.bytes);
  }
  return plan;
}

SweepPlan PlanSweep(const Model& model, const std::vector<SweepBase>& bases, const std::vector<SweepCase>& cases,
                    const SweepOptions& options) {
  return PlanOf(model, bases, SplitIntoPasses(model, bases, cases, options));
}

int64_t RepeatedBytes(const Model& model, const std::vector<SweepBase>& bases, const std::vector<SweepCase>& cases) {
  const Config& c = model.config();
  const auto size = static_cast<int64_t>(sizeof(float));
  std::map<std::pair<size_t, int64_t>, int> slots;  // base run, token -> the first layer that reads it
  std::map<size_t, int> used;                       // base run -> the first layer that joins it
  std::map<std::tuple<int, size_t, int64_t>, std::set<std::vector<Sources>, HiddenOrder>> cut_slots;
  for (const Cone& cone : ConesOf(model, bases, cases)) {
    if (cone.continues(model)) {
      int& first = slots.emplace(std::pair(cone.work->base, cone.first), cone.layer).first->second;
      first = std::min(first, cone.layer);
      for (const auto& [layer, hidden] : CutCarriesOf(model, bases[cone.work->base], cone))
        cut_slots[{layer, cone.work->base, cone.first}].insert(hidden.begin(), hidden.end());
    }
    int& first = used.emplace(cone.work->base, cone.layer).first->second;
    first = std::min(first, cone.layer);
  }
  int64_t bytes = 0;
  for (const auto& [slot, layer] : slots) bytes += BytesPerSlot(c) * (model.layers() - layer);
  for (const auto& [slot, hidden] : cut_slots) bytes += BytesPerSlot(c) * static_cast<int64_t>(hidden.size());
  for (const auto& [base, layer] : used) {
    const int64_t keys_and_values = 2 * c.attention.kv_heads * c.attention.head_dim * (model.layers() - layer);
    bytes += static_cast<int64_t>(bases[base].ids.size()) * (keys_and_values + c.d_model) * size;
  }
  return bytes;
}

}  // namespace mambascope
