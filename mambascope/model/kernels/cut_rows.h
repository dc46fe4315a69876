// CutRows lists the rows that a state-space mixer must compute so that the targets of cuts do not
// see their sources.
//
// A target reads a recurrence in which its sources write nothing. So the scan goes through a
// segment again for every cut of its rows, with the sources' writes set to 0. Each such repetition
// is a walk. Each row takes its output from the walk of its own cut. A hidden write is left
// out from the start. Subtracting it later would lose precision by cancellation.
//
// A cut may also sever the convolution. Its targets then see every row within the convolution's
// reach of a source as if the source's input were 0. Such rows are computed again. A target's own
// recomputed row replaces the original, for all rows that read it. The other recomputed rows differ
// from what rows outside the cut see. They follow the packed rows and are called extra rows.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <vector>

#include "mambascope/model/kernels/packing.h"
#include "mambascope/model/kernels/row_cut.h"

namespace mambascope {

class CutRows {
 public:
  // A row that is computed without some of the convolution's inputs.
  struct ConvRow {
    size_t segment;
    int64_t row;
    // [b]: whether the input b tokens back is severed; [0] is the row's own input
    std::vector<bool> severed;
  };

  // `taps` is the width of the convolution's kernel.
  CutRows(const Packing& packing, const std::vector<RowCut>& cuts, int64_t taps);

  bool none() const { return walked_.segments.empty(); }

  // The rows that the convolution recomputes. The first target_rows() of them are targets and
  // replace the original rows; the extra rows follow.
  const std::vector<ConvRow>& recomputed() const { return recomputed_; }
  int64_t target_rows() const { return target_rows_; }
  // Returns x [row, width] with the extra rows appended, [row + extra, width]. Rows whose own input
  // is severed become 0. It serves inputs of the scan that are computed from each row alone.
  at::Tensor WithExtra(const at::Tensor& x) const;

  // All walks, as a packing of the rows that they go through.
  const Packing& walked() const { return walked_; }
  // For every walked row, the index of its packed or extra row.
  const std::vector<int64_t>& rows() const { return rows_; }
  // Returns x [walked row, d_inner] with the hidden entries set to 0.
  at::Tensor Written(at::Tensor x) const;
  // For every packed row, the walked row from which it takes its output.
  const std::vector<int64_t>& output() const { return output_; }

 private:
  using ExtraRows = std::map<int64_t, int64_t>;  // row -> the extra row that replaces it

  // Fills recomputed_ and returns the extra rows of each cut.
  std::vector<ExtraRows> FindRecomputed(const Packing& packing, const std::vector<RowCut>& cuts,
                                        size_t taps);
  // Adds a walk through the segment's rows up to `last`.
  void AddWalk(const Segment& segment, int64_t carry, int64_t last,
               const std::vector<Sources>& hidden, const ExtraRows& extra);

  int64_t packed_;
  std::vector<ConvRow> recomputed_;
  int64_t target_rows_ = 0;
  Packing walked_;
  std::vector<int64_t> rows_, output_;
  std::vector<int64_t> hidden_;  // walked rows that write nothing
  struct PartlyHidden {
    at::Tensor channels;
    std::vector<int64_t> rows = {};
  };
  std::map<const void*, PartlyHidden> partly_hidden_;  // by the mask
};

}  // namespace mambascope
