#include "mambascope/model/kernels/conv_reference.h"

#include <ATen/ATen.h>

namespace mambascope {
namespace {

// The inputs of the convolution: one row of zeros, the rows of all slots of the carry, and x.
class ConvInputs {
 public:
  ConvInputs(const at::Tensor& x, const at::Tensor& from, int64_t window)
      : x_(x), from_(from), slots_(from.defined() ? from.size(0) : 0), window_(window) {}

  static constexpr int64_t kZeros = 0;
  // Returns the index in Rows() of the input `back` tokens before a row of segment `s`.
  int64_t Find(const Segment& s, int64_t row, int64_t back) const {
    const int64_t i = row - s.begin - back;
    if (i >= 0) return 1 + slots_ * window_ + s.begin + i;
    return s.carry < 0 || i < -window_ ? kZeros : 1 + s.carry * window_ + window_ + i;
  }
  at::Tensor Rows() const {  // [1 + slots * window + row, width]
    std::vector<at::Tensor> parts = {at::zeros({1, x_.size(1)}, x_.options()), x_};
    if (slots_ > 0) parts.insert(parts.begin() + 1, from_.reshape({slots_ * window_, x_.size(1)}));
    return at::cat(parts);
  }

 private:
  const at::Tensor &x_, &from_;
  const int64_t slots_, window_;
};

// Returns sum over back of weight_(window - back) * inputs[found[back][i]] + bias, [i, width].
at::Tensor SumTerms(const at::Tensor& inputs, const std::vector<std::vector<int64_t>>& found,
                    const at::Tensor& weight, const at::Tensor& bias) {
  at::Tensor y;
  for (size_t back = 0; back < found.size(); ++back) {
    const at::Tensor term = inputs.index_select(0, RowIndex(found[back], inputs)) *
                            weight[static_cast<int64_t>(found.size() - 1 - back)];
    y = y.defined() ? y + term : term;
  }
  return bias.defined() ? y + bias : y;
}

}  // namespace

at::Tensor ConvolveRows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                        const Packing& packing, const at::Tensor& from,
                        const std::vector<CutRows::ConvRow>& rows) {
  const ConvInputs inputs(x, from, weight.size(0) - 1);
  std::vector<std::vector<int64_t>> found(static_cast<size_t>(weight.size(0)));
  for (size_t back = 0; back < found.size(); ++back) {
    for (const CutRows::ConvRow& row : rows) {
      const Segment& s = packing.segments[row.segment];
      found[back].push_back(row.severed[back]
                                ? ConvInputs::kZeros
                                : inputs.Find(s, row.row, static_cast<int64_t>(back)));
    }
  }
  return SumTerms(inputs.Rows(), found, weight, bias);
}

at::Tensor CausalConvReference(const at::Tensor& x, const at::Tensor& weight,
                               const at::Tensor& bias, const Packing& packing,
                               const at::Tensor& from, at::Tensor& kept) {
  const int64_t window = weight.size(0) - 1;
  const ConvInputs inputs(x, from, window);
  const at::Tensor all = inputs.Rows();
  std::vector<std::vector<int64_t>> found(static_cast<size_t>(window + 1));
  for (int64_t back = 0; back <= window; ++back) {
    for (const Segment& s : packing.segments) {
      for (int64_t row = s.begin; row < s.end(); ++row)
        found[static_cast<size_t>(back)].push_back(inputs.Find(s, row, back));
    }
  }
  if (!packing.kept.empty()) {
    std::vector<int64_t> rows;
    auto segment = packing.segments.begin();
    for (int64_t row : packing.kept) {
      while (segment->end() <= row) ++segment;
      for (int64_t back = window - 1; back >= 0; --back)
        rows.push_back(inputs.Find(*segment, row, back));
    }
    kept = all.index_select(0, RowIndex(rows, x))
               .reshape({static_cast<int64_t>(packing.kept.size()), window, x.size(1)});
  }
  return SumTerms(all, found, weight, bias);
}

}  // namespace mambascope
