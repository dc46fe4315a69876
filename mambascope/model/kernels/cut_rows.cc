#include "mambascope/model/kernels/cut_rows.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace mambascope {
namespace {

bool Contains(const std::vector<int64_t>& sorted, int64_t value) {
  return std::binary_search(sorted.begin(), sorted.end(), value);
}

bool SeversConv(const RowCut& cut) {
  return std::any_of(cut.hidden.begin(), cut.hidden.end(),
                     [](const Sources& s) { return s.kind == CutKind::kMixingAndConv; });
}

// Returns which of the convolution's inputs to the row of `token` the cut severs. Empty if none.
std::vector<bool> Severed(const RowCut& cut, int64_t token, size_t taps) {
  std::vector<bool> severed(taps);
  bool any = false;
  for (size_t back = 0; back < taps; ++back) {
    for (const Sources& sources : cut.hidden) {
      if (sources.kind == CutKind::kMixingAndConv &&
          Contains(sources.tokens, token - static_cast<int64_t>(back)))
        severed[back] = any = true;
    }
  }
  return any ? severed : std::vector<bool>();
}

std::vector<bool> Either(std::vector<bool> a, const std::vector<bool>& b) {
  for (size_t i = 0; i < b.size(); ++i) a[i] = a[i] || b[i];
  return a;
}

int64_t LastSeen(const RowCut& cut) {
  return std::max(cut.to.empty() ? -1 : cut.to.back(), cut.kept.empty() ? -1 : cut.kept.back());
}

// Returns which rows are not a target of any cut.
std::vector<bool> Uncut(const Packing& packing, const std::vector<RowCut>& cuts) {
  std::vector<bool> uncut(static_cast<size_t>(packing.rows()), true);
  for (const RowCut& cut : cuts) {
    for (int64_t row : cut.to) uncut[static_cast<size_t>(row)] = false;
  }
  return uncut;
}

}  // namespace

CutRows::CutRows(const Packing& packing, const std::vector<RowCut>& cuts, int64_t taps)
    : packed_(packing.rows()) {
  if (cuts.empty()) return;
  const std::vector<ExtraRows> extra = FindRecomputed(packing, cuts, static_cast<size_t>(taps));
  const std::vector<bool> uncut = Uncut(packing, cuts);
  output_.resize(static_cast<size_t>(packed_));
  for (const Segment& s : packing.segments) {  // the walk from which nothing is hidden
    int64_t last = s.end() - 1;
    while (last >= s.begin && !uncut[static_cast<size_t>(last)] && !Contains(packing.kept, last))
      --last;
    if (last < s.begin) continue;
    const int64_t shift = walked_.rows() - s.begin;
    AddWalk(s, s.carry, last, {}, {});
    for (int64_t row = s.begin; row <= last; ++row) {
      output_[static_cast<size_t>(row)] = row + shift;
      if (Contains(packing.kept, row)) walked_.kept.push_back(row + shift);
    }
  }
  for (size_t i = 0; i < cuts.size(); ++i) {
    const Segment& s = packing.segments[cuts[i].segment];
    const int64_t shift = walked_.rows() - s.begin;
    AddWalk(s, cuts[i].carry, LastSeen(cuts[i]), cuts[i].hidden, extra[i]);
    for (int64_t row : cuts[i].to) output_[static_cast<size_t>(row)] = row + shift;
    for (int64_t row : cuts[i].kept) walked_.kept.push_back(row + shift);
  }
}

std::vector<CutRows::ExtraRows> CutRows::FindRecomputed(const Packing& packing,
                                                        const std::vector<RowCut>& cuts,
                                                        size_t taps) {
  std::vector<ExtraRows> extra(cuts.size());
  const auto token = [&](const RowCut& cut, int64_t row) {
    const Segment& s = packing.segments[cut.segment];
    return s.position + row - s.begin;
  };
  std::map<int64_t, std::vector<bool>> by_target;
  for (const RowCut& cut : cuts) {
    if (!SeversConv(cut)) continue;
    for (int64_t row : cut.to) {
      const std::vector<bool> severed = Severed(cut, token(cut, row), taps);
      if (severed.empty()) continue;
      by_target[row] = severed;
      recomputed_.push_back({cut.segment, row, severed});
    }
  }
  target_rows_ = static_cast<int64_t>(recomputed_.size());
  for (size_t i = 0; i < cuts.size(); ++i) {
    if (!SeversConv(cuts[i])) continue;
    for (int64_t row = packing.segments[cuts[i].segment].begin; row <= LastSeen(cuts[i]); ++row) {
      std::vector<bool> severed = Severed(cuts[i], token(cuts[i], row), taps);
      if (severed.empty()) continue;
      const auto own = by_target.find(row);
      if (own != by_target.end()) severed = Either(severed, own->second);
      if (own != by_target.end() && severed == own->second) continue;
      extra[i][row] = packed_ + static_cast<int64_t>(recomputed_.size()) - target_rows_;
      recomputed_.push_back({cuts[i].segment, row, severed});
    }
  }
  return extra;
}

void CutRows::AddWalk(const Segment& segment, int64_t carry, int64_t last,
                      const std::vector<Sources>& hidden, const ExtraRows& extra) {
  const int64_t begin = walked_.rows();
  walked_.segments.push_back({begin, last - segment.begin + 1, segment.position, carry});
  for (int64_t row = segment.begin; row <= last; ++row) {
    const auto found = extra.find(row);
    rows_.push_back(found == extra.end() ? row : found->second);
    for (const Sources& sources : hidden) {
      if (!Contains(sources.tokens, segment.position + row - segment.begin)) continue;
      const bool partly = sources.channels.defined();
      const void* mask = sources.channels.unsafeGetTensorImpl();
      auto& rows =
          partly
              ? partly_hidden_.try_emplace(mask, PartlyHidden{sources.channels}).first->second.rows
              : hidden_;
      rows.push_back(begin + row - segment.begin);
    }
  }
}

at::Tensor CutRows::WithExtra(const at::Tensor& x) const {
  if (recomputed_.empty()) return x;
  std::vector<int64_t> rows, severed;
  for (int64_t row = 0; row < packed_; ++row) rows.push_back(row);
  for (size_t i = 0; i < recomputed_.size(); ++i) {
    const bool is_target = static_cast<int64_t>(i) < target_rows_;
    if (!is_target) rows.push_back(recomputed_[i].row);
    if (recomputed_[i].severed[0])
      severed.push_back(is_target ? recomputed_[i].row : static_cast<int64_t>(rows.size()) - 1);
  }
  return x.index_select(0, RowIndex(rows, x)).index_fill(0, RowIndex(severed, x), 0);
}

at::Tensor CutRows::Written(at::Tensor x) const {
  if (!hidden_.empty()) x = x.index_fill(0, RowIndex(hidden_, x), 0);
  for (const auto& [mask, partly] : partly_hidden_) {
    const at::Tensor rows = RowIndex(partly.rows, x);
    x = x.index_copy(0, rows,
                     x.index_select(0, rows).masked_fill(partly.channels.to(x.device()), 0));
  }
  return x;
}

}  // namespace mambascope
