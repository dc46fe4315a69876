// BaseRuns computes the base runs of a sweep, one layer at a time. The sweep's segments read their
// inputs from it.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "mambascope/intervene/changes.h"
#include "mambascope/intervene/downstream.h"

namespace mambascope {

// The data of the base runs at one layer that segments read.
struct BaseLayer {
  at::Tensor h;  // [row, d_model], the layer's input, from which joining segments start
  // One slot for each token that segments continue from. Slots without the sources of cuts follow.
  Carry carry = {};
  // [row, width], states at the places where a variant has a Hold
  std::map<Place, at::Tensor> held;
};

// The base runs that the given regions need, computed as whole prompts in one packing.
class BaseRuns final : public Hooks {
 public:
  BaseRuns(const Model& model, const std::vector<SweepBase>& bases,
           const std::vector<DownstreamRegion>& regions);

  int64_t FirstRow(size_t base) const { return places_.at(base).row; }
  // Returns the slot of the carry at the token before the region's first token, or -1 when the
  // region needs none.
  int64_t Slot(const DownstreamRegion& region) const;
  // Returns the slot of the same carry in `layer` as rows with `hidden` cut from them see it.
  int64_t Slot(const DownstreamRegion& region, int layer, const std::vector<Sources>& hidden) const;

  // Computes one layer. REQUIRES: called for layers 0, 1, 2, ... in order.
  BaseLayer Up(int layer);
  // The embeddings of the base runs' rows, [row, d_model]; undefined if no layer reads them.
  const at::Tensor& embedding() const { return packing_.embedding; }
  // [row, d_model], the last block's output. REQUIRES: all layers are computed.
  const at::Tensor& h() const { return h_; }

  at::Tensor At(const Place& place, const at::Tensor& x) override;
  bool Acts(const Place& place) const override {
    return changes_.Has(place) || held_.contains(place);
  }
  std::vector<RowCut> Cuts(int layer) override {
    return cuts_.contains(layer) ? cuts_.at(layer) : std::vector<RowCut>();
  }

 private:
  struct Placed {
    size_t segment;
    int64_t row;  // first row
  };

  void AppendCuts(const SweepBase& base, const Placed& at);
  // Marks the carries at the token before the region to be kept, once for each set of sources that
  // cuts hide from some of the region's rows.
  void KeepCutCarries(const DownstreamRegion& region, const SweepBase& base, const Placed& at);

  const Model& model_;
  std::map<size_t, Placed> places_;  // by index of the base run
  std::vector<int64_t> ids_;
  Packing packing_;
  Changes changes_;
  std::map<int, std::vector<RowCut>> cuts_;  // by layer
  // Layer -> number of carries kept without the sources of cuts.
  std::map<int, int64_t> cut_carries_;
  // (layer, base run, first token of the region) -> sources hidden before that token -> index among
  // the layer's carries that are kept without sources.
  std::map<std::tuple<int, size_t, int64_t>, std::map<std::vector<Sources>, int64_t, HiddenOrder>>
      cut_slots_;
  std::set<Place> held_;
  std::map<Place, at::Tensor> seen_;  // held states of the current layer
  at::Tensor h_;                      // [row, d_model]
};

}  // namespace mambascope
