// BaseRuns are the base runs of a sweep. Segments read what they hold of each layer.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "mambascope/intervene/changes.h"
#include "mambascope/intervene/downstream.h"

namespace mambascope {

// A BaseLayer is what segments read of the base runs at one layer.
struct BaseLayer {
  at::Tensor h;  // [row, d_model], the layer's input: where segments join
  Carry carry =
      {};  // a slot for every token that segments continue from, and for what cuts hide before it
  std::map<Place, at::Tensor> held;  // [row, width], the states that some variant holds
};

// The base runs of some regions go up as whole prompts side by side.
class BaseRuns : public Hooks {
 public:
  BaseRuns(const Model& model, const std::vector<SweepBase>& bases,
           const std::vector<DownstreamRegion>& regions);

  int64_t FirstRow(size_t base) const { return places_.at(base).row; }
  // Returns the slot of the carry at the token before the region's first, or -1 where the region
  // needs none.
  int64_t Slot(const DownstreamRegion& region) const;
  // Returns the slot of the carry in `layer` as those tokens see it that `hidden` is hidden from.
  int64_t Slot(const DownstreamRegion& region, int layer, const std::vector<Sources>& hidden) const;

  // Goes up one layer.
  BaseLayer Up(int layer);
  // The last block's output, once all layers are done.
  const at::Tensor& h() const { return h_; }

  at::Tensor At(const Place& place, const at::Tensor& x) override;
  std::vector<RowCut> Cuts(int layer) override {
    return cuts_.contains(layer) ? cuts_.at(layer) : std::vector<RowCut>();
  }

 private:
  struct Placed {
    size_t segment;
    int64_t row;  // its first
  };

  void AppendCuts(const SweepBase& base, const Placed& at);
  // Keeps the carries at the token before the region, as those of its rows see them that cuts hide
  // something from.
  void KeepCutCarries(const DownstreamRegion& region, const SweepBase& base, const Placed& at);

  const Model& model_;
  std::map<size_t, Placed> places_;  // by base
  std::vector<int64_t> ids_;
  Packing packing_;
  Changes changes_;
  std::map<int, std::vector<RowCut>> cuts_;  // by layer
  std::map<int, int64_t> cut_carries_;       // layer -> how many are kept
  // Layer, base, token -> what is hidden before it -> which of the layer's.
  std::map<std::tuple<int, size_t, int64_t>, std::map<std::vector<Sources>, int64_t, HiddenOrder>>
      cut_slots_;
  std::set<Place> held_;
  std::map<Place, at::Tensor> seen_;  // in the layer at hand
  at::Tensor h_;                      // [row, d_model]
};

}  // namespace mambascope
