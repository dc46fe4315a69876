// The rows of a state-space mixer as the targets of cuts see them.
//
// A target reads a recurrence in which its sources write nothing. So the scan walks a segment once more for every cut of its rows, through
// the same rows with the sources' writes at 0, and each row takes the output of the walk that sees as it does. What is hidden is never
// written, rather than taken away again: nothing cancels.
//
// Where a cut severs the convolution, too, its targets see every row within the convolution's reach of a source as if the source's input
// were 0. Such rows differ from what other rows see, and are computed beside the packed ones ("extra" rows).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "mambascope/model/hooks.h"
#include "mambascope/model/packing.h"

namespace mambascope {

class CutRows {
 public:
  // A row without some of the convolution's inputs.
  struct Patch {
    size_t segment;
    int64_t row;
    std::vector<bool> silent;  // by how many tokens back the input stands; [0] is the row's own
  };

  // `taps` of the convolution.
  CutRows(const Packing& packing, const std::vector<RowCut>& cuts, int64_t taps);

  bool none() const { return walked_.segments.empty(); }

  // Patches of targets: everyone sees them so.
  const std::vector<Patch>& own() const { return own_; }
  // Patches that take the rows after the packed ones.
  const std::vector<Patch>& extra() const { return extra_; }
  // x [row, width], something that a mixer computes of each row alone and hands on -> [row + extra, width], 0 where its own input is
  // silent.
  at::Tensor WithExtra(const at::Tensor& x) const;

  // The walks, as a packing of the rows that they go through.
  const Packing& walked() const { return walked_; }
  // Walked row -> the row or extra row that stands there.
  const std::vector<int64_t>& rows() const { return rows_; }
  // What of the walked rows' writes counts, 0 or 1: [walked row, d_inner], or [walked row, 1] where no cut is of some channels alone.
  at::Tensor Writes(int64_t d_inner, const at::TensorOptions& options) const;
  // Packed row -> the walked row whose output is its own.
  const std::vector<int64_t>& output() const { return output_; }

 private:
  void AddPatches(const Packing& packing, const std::vector<RowCut>& cuts, size_t taps);
  void AddWalk(const Segment& segment, const RowCut* cut, int64_t last);

  std::vector<Patch> own_, extra_;
  std::map<std::pair<const RowCut*, int64_t>, int64_t> extra_row_;  // where a cut sees a row otherwise
  Packing walked_;
  std::vector<int64_t> rows_, output_;
  std::vector<int64_t> hidden_;  // walked rows that write nothing
  struct PartlyHidden {
    at::Tensor channels;
    std::vector<int64_t> rows = {};
  };
  std::map<const void*, PartlyHidden> partly_hidden_;  // by the mask
  int64_t packed_ = 0;
};

}  // namespace mambascope
