#include "mambascope/intervene/sweep_memory.h"

#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>

namespace mambascope {
namespace {

bool Differentiates(const Variant& variant) {
  return c10::GradMode::is_enabled() &&
         std::any_of(variant.begin(), variant.end(), [](const Intervention& intervention) {
           const auto* set = std::get_if<Set>(&intervention);
           const auto* add = std::get_if<Add>(&intervention);
           return (set != nullptr && set->value.states().requires_grad()) ||
                  (add != nullptr && add->delta.requires_grad());
         });
}

}  // namespace

LayerCosts::LayerCosts(const Model& model) {
  for (int l = 0; l < model.layers(); ++l) layers_.push_back(model.layer(l).cost());
}

int64_t LayerCosts::Row() const {
  int64_t most = 1;
  for (const LayerCost& cost : layers_) most = std::max(most, cost.row);
  return most;
}

int64_t LayerCosts::Slot() const {
  int64_t most = 0;
  for (const LayerCost& cost : layers_) most = std::max(most, cost.slot);
  return most;
}

int64_t LayerCosts::KeptBase(int64_t tokens) const {
  int64_t sum = 0;
  for (const LayerCost& cost : layers_) sum += tokens * cost.row + cost.pair * tokens * tokens;
  return sum;
}

int64_t LayerCosts::Sum(int first, int64_t LayerCost::*cost) const {
  int64_t sum = 0;
  for (auto l = static_cast<size_t>(first); l < layers_.size(); ++l) sum += layers_[l].*cost;
  return sum;
}

void PassMemory::Clear() {
  used_.clear();
  slots_.clear();
  cut_slots_.clear();
  walks_.clear();
  peak_ = 0;
}

// Two copies of the residual stream exist at a time for every row. A differentiated row also keeps
// the intermediate results of each layer.
int64_t PassMemory::Count(const DownstreamRegion& region) const {
  const SweepBase& base = bases_[region.work->base];
  const auto tokens = static_cast<int64_t>(base.ids.size());
  const bool keeps = Differentiates(region.work->variant) || Differentiates(base.variant);
  const int64_t residuals = 2 * model_.config().d_model * static_cast<int64_t>(sizeof(float));
  const int64_t row = keeps ? costs_.Sum(region.layer, &LayerCost::row) : residuals;
  int64_t bytes =
      region.rows() * row + std::max<int64_t>(0, region.rows() - group_rows_) * costs_.Row();
  if (!used_.contains(region.work->base))
    bytes +=
        Differentiates(base.variant) ? costs_.KeptBase(tokens) : model_.PassBytes(tokens, tokens);
  if (region.continues(model_) && !slots_.contains({region.work->base, region.first}))
    bytes += costs_.Slot();
  int64_t peak = peak_;
  for (const auto& [layer, hidden] : FindCutCarries(model_, base, region)) {
    const auto at = cut_slots_.find({layer, region.work->base, region.first});
    const auto is_new = [&](const std::vector<Sources>& sources) {
      return at == cut_slots_.end() || !at->second.contains(sources);
    };
    const auto walks = std::count_if(hidden.begin(), hidden.end(), is_new);
    const auto found = walks_.find(layer);
    peak = std::max(peak,
                    (found == walks_.end() ? 0 : found->second) + walks * WalkBytes(layer, region));
  }
  return bytes + peak - peak_;
}

void PassMemory::Add(const DownstreamRegion& region) {
  used_.insert(region.work->base);
  slots_.insert({region.work->base, region.first});
  for (const auto& [layer, hidden] : FindCutCarries(model_, bases_[region.work->base], region)) {
    for (const std::vector<Sources>& sources : hidden) {
      if (cut_slots_[{layer, region.work->base, region.first}].insert(sources).second)
        walks_[layer] += WalkBytes(layer, region);
    }
    peak_ = std::max(peak_, walks_[layer]);
  }
}

int64_t PassMemory::WalkBytes(int layer, const DownstreamRegion& region) const {
  return costs_[layer].slot + region.first * costs_[layer].walked_row;
}

}  // namespace mambascope
