// Estimates the memory of a sweep's pass from the cost that each layer reports.
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

// The costs of a model's layers, in bytes.
class LayerCosts {
 public:
  explicit LayerCosts(const Model& model);
  const LayerCost& operator[](int layer) const { return layers_[static_cast<size_t>(layer)]; }

  // Cost of one row, or of one carry slot, in the most expensive layer. Only one layer is computed
  // at a time.
  int64_t Row() const;
  int64_t Slot() const;
  // Cost of a base run with `tokens` tokens that stays for the backward pass: its rows and its
  // attention scores in all layers.
  int64_t KeptBase(int64_t tokens) const;
  // Sum of one kind of cost over the layers from `first` up.
  int64_t Sum(int first, int64_t LayerCost::*cost) const;

 private:
  std::vector<LayerCost> layers_;
};

// Counts the memory of a pass while regions are added to it.
class PassMemory {
 public:
  // `group_rows` is the number of rows that go through a layer at a time. PassMemory does not count
  // the bytes of these rows.
  PassMemory(const Model& model, const std::vector<SweepBase>& bases, int64_t group_rows)
      : model_(model), costs_(model), bases_(bases), group_rows_(group_rows) {}

  // Starts a new pass.
  void Clear();
  // Returns the bytes that adding `region` would take.
  int64_t Count(const DownstreamRegion& region) const;
  void Add(const DownstreamRegion& region);

 private:
  // Bytes of one scan over the base run up to the region, and of the carry that it keeps.
  int64_t WalkBytes(int layer, const DownstreamRegion& region) const;

  const Model& model_;
  const LayerCosts costs_;
  const std::vector<SweepBase>& bases_;
  const int64_t group_rows_;
  std::set<size_t> used_;                       // indices of base runs
  std::set<std::pair<size_t, int64_t>> slots_;  // (base run, token)
  // (layer, base run, token) -> the sets of sources hidden there.
  std::map<std::tuple<int, size_t, int64_t>, std::set<std::vector<Sources>, HiddenOrder>>
      cut_slots_;
  std::map<int, int64_t> walks_;  // layer -> bytes of its scans of base runs without sources
  int64_t peak_ = 0;              // the maximum over walks_
};

}  // namespace mambascope
