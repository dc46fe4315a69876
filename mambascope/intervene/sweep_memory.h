// What a sweep's pass takes of the memory, counted from what each layer says that it takes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "mambascope/intervene/downstream.h"
#include "mambascope/model/model.h"

namespace mambascope {

// LayerCosts are what the layers of a model take, in bytes.
class LayerCosts {
 public:
  explicit LayerCosts(const Model& model);
  const LayerCost& operator[](int layer) const { return layers_[static_cast<size_t>(layer)]; }

  // A row, and a carry slot, in the layer that takes most: one layer is computed at a time.
  int64_t Row() const;
  int64_t Slot() const;
  // A base run of so many tokens while one layer computes it: its rows, and its attention scores.
  int64_t Base(int64_t tokens) const;
  // The same of all layers together, where they stay for the backward pass.
  int64_t KeptBase(int64_t tokens) const;
  // The sum of one of the costs over the layers from `first` on.
  int64_t Sum(int first, int64_t LayerCost::*cost) const;

 private:
  std::vector<LayerCost> layers_;
};

// PassMemory counts what a pass takes as regions are added to it.
class PassMemory {
 public:
  // `group_rows`: rows that go through a layer at a time. Their bytes are not counted here.
  PassMemory(const Model& model, const std::vector<SweepBase>& bases, int64_t group_rows)
      : model_(model), costs_(model), bases_(bases), group_rows_(group_rows) {}

  // Begins another pass.
  void Clear();
  // Returns the bytes that `region` would add.
  int64_t Count(const DownstreamRegion& region) const;
  void Add(const DownstreamRegion& region);

 private:
  // One walk of the base run's scan up to the region, and the carry that it keeps.
  int64_t WalkBytes(int layer, const DownstreamRegion& region) const;

  const Model& model_;
  const LayerCosts costs_;
  const std::vector<SweepBase>& bases_;
  const int64_t group_rows_;
  std::set<size_t> used_;                       // base runs
  std::set<std::pair<size_t, int64_t>> slots_;  // base run, token
  // Layer, base run, token -> what is hidden there.
  std::map<std::tuple<int, size_t, int64_t>, std::set<std::vector<Sources>, HiddenOrder>>
      cut_slots_;
  std::map<int, int64_t> walks_;  // layer -> bytes of the base runs' walks without sources there
  int64_t peak_ = 0;              // the most of them
};

}  // namespace mambascope
