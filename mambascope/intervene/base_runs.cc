#include "mambascope/intervene/base_runs.h"

#include <ATen/core/Tensor.h>

#include <algorithm>

namespace mambascope {

BaseRuns::BaseRuns(const Model& model, const std::vector<SweepBase>& bases,
                   const std::vector<DownstreamRegion>& regions)
    : model_(model) {
  std::vector<int64_t> lengths;
  std::set<int64_t> kept;
  for (const DownstreamRegion& region : regions) {
    const SweepBase& base = bases[region.work->base];
    const auto [place, is_new] = places_.emplace(
        region.work->base, Placed{lengths.size(), static_cast<int64_t>(ids_.size())});
    const int64_t row = place->second.row;
    if (is_new) {
      lengths.push_back(static_cast<int64_t>(base.ids.size()));
      changes_.Append(base.variant, {0, lengths.back(), row, 0},
                      [](const StateId&) { return true; });
      AppendCuts(base, place->second);
      ids_.insert(ids_.end(), base.ids.begin(), base.ids.end());
    }
    if (region.continues(model)) {
      kept.insert(row + region.first - 1);
      KeepCutCarries(region, base, place->second);
    }
    for (const Intervention& intervention : region.work->variant) {
      if (const auto* hold = std::get_if<Hold>(&intervention)) held_.insert(hold->at.place());
    }
  }
  packing_ = Packing::Whole(lengths);
  packing_.kept.assign(kept.begin(), kept.end());
  h_ = At({Site::kEmbed, kEmbedLayer}, model.Embed(ids_, packing_));
  if (model.ReadsEmbedding()) packing_.embedding = h_;
}

int64_t BaseRuns::Slot(const DownstreamRegion& region) const {
  if (!region.continues(model_)) return -1;
  const int64_t row = FirstRow(region.work->base) + region.first - 1;
  return std::lower_bound(packing_.kept.begin(), packing_.kept.end(), row) - packing_.kept.begin();
}

int64_t BaseRuns::Slot(const DownstreamRegion& region, int layer,
                       const std::vector<Sources>& hidden) const {
  const auto at = cut_slots_.find({layer, region.work->base, region.first});
  if (at == cut_slots_.end()) return Slot(region);
  const auto found = at->second.find(Before(hidden, region.first));
  return found == at->second.end() ? Slot(region)
                                   : static_cast<int64_t>(packing_.kept.size()) + found->second;
}

BaseLayer BaseRuns::Up(int layer) {
  BaseLayer result{.h = h_, .carry = {}, .held = {}};
  seen_.clear();
  h_ = model_.layer(layer).Forward(h_, packing_, {}, result.carry, {*this, layer});
  result.held = std::move(seen_);
  return result;
}

at::Tensor BaseRuns::At(const Place& place, const at::Tensor& x) {
  at::Tensor y = changes_.Apply(place, 0, {}, x);
  if (held_.contains(place)) seen_[place] = y;
  return y;
}

void BaseRuns::AppendCuts(const SweepBase& base, const Placed& at) {
  for (int layer : CutLayers({&base.variant}, 0)) {
    for (CutTokens& cut : CutsAt(layer, {&base.variant}, 0, static_cast<int64_t>(base.ids.size())))
      cuts_[layer].push_back(OnRows(std::move(cut), at.segment, at.row));
  }
}

void BaseRuns::KeepCutCarries(const DownstreamRegion& region, const SweepBase& base,
                              const Placed& at) {
  for (const auto& [layer, carries] : FindCutCarries(model_, base, region)) {
    for (const std::vector<Sources>& hidden : carries) {
      const bool is_new = cut_slots_[{layer, region.work->base, region.first}]
                              .emplace(hidden, cut_carries_[layer])
                              .second;
      if (!is_new) continue;
      ++cut_carries_[layer];
      cuts_[layer].push_back({.segment = at.segment,
                              .to = {},
                              .hidden = hidden,
                              .carry = -1,
                              .kept = {at.row + region.first - 1}});
    }
  }
}

}  // namespace mambascope
