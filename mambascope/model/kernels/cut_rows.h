// CutRows are the rows of a state-space mixer as the targets of cuts see them.
//
// A target reads a recurrence in which its sources write nothing. So the scan walks a segment once
// more for every cut of its rows, through the same rows with the sources' writes at 0. Each row
// takes the output of the walk that sees as it does. What is hidden is never written, rather than
// taken away again, so nothing cancels.
//
// Where a cut severs the convolution, too, its targets see every row within the convolution's reach
// of a source as if the source's input were 0. Such rows are computed again. A target's own row
// takes its place, for all that read it. The others differ from what other rows see, and lie beside
// the packed ones: they are the extra rows.
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
  // A row without some of the convolution's inputs.
  struct ConvRow {
    size_t segment;
    int64_t row;
    std::vector<bool> severed;  // by how many tokens back the input stands; [0] is the row's own
  };

  // `taps` of the convolution.
  CutRows(const Packing& packing, const std::vector<RowCut>& cuts, int64_t taps);

  bool none() const { return walked_.segments.empty(); }

  // The rows that the convolution computes again: first target_rows() targets, which take their
  // places, then the extra ones.
  const std::vector<ConvRow>& recomputed() const { return recomputed_; }
  int64_t target_rows() const { return target_rows_; }
  // Takes x [row, width], which a mixer computes of each row alone and hands on, and returns [row +
  // extra, width]. A row whose own input is severed is 0.
  at::Tensor WithExtra(const at::Tensor& x) const;

  // The walks, as a packing of the rows that they go through.
  const Packing& walked() const { return walked_; }
  // For every walked row, the row or extra row that stands there.
  const std::vector<int64_t>& rows() const { return rows_; }
  // Returns x [walked row, d_inner] with 0 where it is hidden.
  at::Tensor Written(at::Tensor x) const;
  // For every packed row, the walked row whose output is its own.
  const std::vector<int64_t>& output() const { return output_; }

 private:
  using ExtraRows = std::map<int64_t, int64_t>;  // row -> the extra row that stands in its place

  // Fills recomputed_, and returns each cut's extra rows.
  std::vector<ExtraRows> FindRecomputed(const Packing& packing, const std::vector<RowCut>& cuts,
                                        size_t taps);
  // Walks the segment's rows up to `last`.
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
