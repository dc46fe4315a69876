#include "mambascope/model/cut_rows.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace mambascope {
namespace {

bool Contains(const std::vector<int64_t>& sorted, int64_t value) { return std::binary_search(sorted.begin(), sorted.end(), value); }

// Which of the convolution's inputs to the row of `token` the cut severs; empty where none.
std::vector<bool> Silent(const RowCut& cut, int64_t token, size_t taps) {
  std::vector<bool> silent(taps);
  bool any = false;
  for (size_t back = 0; back < taps; ++back) {
    for (const Sources& sources : cut.hidden) {
      if (sources.kind == CutKind::kMixingAndConv && Contains(sources.tokens, token - static_cast<int64_t>(back)))
        silent[back] = any = true;
    }
  }
  return any ? silent : std::vector<bool>();
}

std::vector<bool> Either(std::vector<bool> a, const std::vector<bool>& b) {
  for (size_t i = 0; i < b.size(); ++i) a[i] = a[i] || b[i];
  return a;
}

int64_t LastSeen(const RowCut& cut) { return std::max(cut.to.empty() ? -1 : cut.to.back(), cut.kept.empty() ? -1 : cut.kept.back()); }

}  // namespace

CutRows::CutRows(const Packing& packing, const std::vector<RowCut>& cuts, int64_t taps) : packed_(packing.rows()) {
  if (cuts.empty()) return;
  AddPatches(packing, cuts, static_cast<size_t>(taps));
  std::vector<bool> uncut(static_cast<size_t>(packed_), true);
  for (const RowCut& cut : cuts) {
    for (int64_t row : cut.to) uncut[static_cast<size_t>(row)] = false;
  }
  output_.resize(static_cast<size_t>(packed_));
  for (const Segment& s : packing.segments) {  // the rows that nothing is hidden from
    int64_t last = s.end() - 1;
    while (last >= s.begin && !uncut[static_cast<size_t>(last)] && !Contains(packing.kept, last)) --last;
    if (last < s.begin) continue;
    const int64_t shift = walked_.rows() - s.begin;
    AddWalk(s, nullptr, last);
    for (int64_t row = s.begin; row <= last; ++row) {
      output_[static_cast<size_t>(row)] = row + shift;
      if (Contains(packing.kept, row)) walked_.kept.push_back(row + shift);
    }
  }
  for (const RowCut& cut : cuts) {
    const Segment& s = packing.segments[cut.segment];
    const int64_t shift = walked_.rows() - s.begin;
    AddWalk(s, &cut, LastSeen(cut));
    for (int64_t row : cut.to) output_[static_cast<size_t>(row)] = row + shift;
    for (int64_t row : cut.kept) walked_.kept.push_back(row + shift);
  }
}

void CutRows::AddPatches(const Packing& packing, const std::vector<RowCut>& cuts, size_t taps) {
  std::map<int64_t, std::vector<bool>> own;
  const auto token = [&](const RowCut& cut, int64_t row) {
    const Segment& s = packing.segments[cut.segment];
    return s.position + row - s.begin;
  };
  for (const RowCut& cut : cuts) {
    for (int64_t row : cut.to) {
      const std::vector<bool> silent = Silent(cut, token(cut, row), taps);
      if (silent.empty()) continue;
      own[row] = silent;
      own_.push_back({cut.segment, row, silent});
    }
  }
  for (const RowCut& cut : cuts) {
    for (int64_t row = packing.segments[cut.segment].begin; row <= LastSeen(cut); ++row) {
      std::vector<bool> silent = Silent(cut, token(cut, row), taps);
      if (silent.empty()) continue;
      const auto found = own.find(row);
      if (found != own.end()) silent = Either(silent, found->second);
      if (found != own.end() && silent == found->second) continue;
      extra_row_[{&cut, row}] = packed_ + static_cast<int64_t>(extra_.size());
      extra_.push_back({cut.segment, row, silent});
    }
  }
}

// Walks the segment's rows up to `last`, as `cut` sees them (null: with nothing hidden).
void CutRows::AddWalk(const Segment& segment, const RowCut* cut, int64_t last) {
  const int64_t begin = walked_.rows();
  walked_.segments.push_back({begin, last - segment.begin + 1, segment.position, cut == nullptr ? segment.carry : cut->carry});
  for (int64_t row = segment.begin; row <= last; ++row) {
    const auto extra = extra_row_.find({cut, row});
    rows_.push_back(extra == extra_row_.end() ? row : extra->second);
    if (cut == nullptr) continue;
    for (const Sources& sources : cut->hidden) {
      if (!Contains(sources.tokens, segment.position + row - segment.begin)) continue;
      const bool partly = sources.channels.defined();
      auto& rows =
          partly ? partly_hidden_.try_emplace(sources.channels.unsafeGetTensorImpl(), PartlyHidden{sources.channels}).first->second.rows
                 : hidden_;
      rows.push_back(begin + row - segment.begin);
    }
  }
}

at::Tensor CutRows::WithExtra(const at::Tensor& x) const {
  if (own_.empty() && extra_.empty()) return x;
  std::vector<int64_t> rows;
  std::vector<float> seen;
  for (int64_t row = 0; row < packed_; ++row) {
    rows.push_back(row);
    seen.push_back(1);
  }
  for (const Patch& patch : own_) seen[static_cast<size_t>(patch.row)] = patch.silent[0] ? 0 : 1;
  for (const Patch& patch : extra_) {
    rows.push_back(patch.row);
    seen.push_back(patch.silent[0] ? 0 : 1);
  }
  return x.index_select(0, RowIndex(rows, x)) * at::tensor(seen).to(x.options()).unsqueeze(1);
}

at::Tensor CutRows::Writes(int64_t d_inner, const at::TensorOptions& options) const {
  std::vector<float> written(static_cast<size_t>(walked_.rows()), 1);
  for (int64_t row : hidden_) written[static_cast<size_t>(row)] = 0;
  at::Tensor writes = at::tensor(written).to(options).unsqueeze(1);
  if (!partly_hidden_.empty()) writes = writes.repeat({1, d_inner});
  for (const auto& [mask, hidden] : partly_hidden_) {
    const at::Tensor rows = RowIndex(hidden.rows, writes);
    writes = writes.index_copy(0, rows, writes.index_select(0, rows) * hidden.channels.logical_not().to(options));
  }
  return writes;
}

}  // namespace mambascope
