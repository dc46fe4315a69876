#include "mambascope/intervene/changes.h"

#include <ATen/ATen.h>

#include "mambascope/intervene/check.h"
#include "mambascope/model/kernels/packing.h"

namespace mambascope {
namespace {

// Returns the values as rows of the type and device of x, [value, width].
at::Tensor Stacked(const std::vector<StateValue>& values, const at::Tensor& x) {
  std::vector<int64_t> rows;
  for (const StateValue& value : values) {
    if (value.row() && value.states().is_same(values[0].states())) rows.push_back(*value.row());
  }
  if (rows.size() == values.size())
    return values[0].states().index_select(0, RowIndex(rows, values[0].states())).to(x.options());
  std::vector<at::Tensor> tensors;
  for (const StateValue& value : values) tensors.push_back(value.tensor().to(x.options()));
  return at::stack(tensors);
}

at::Tensor ApplyRound(const std::vector<Change>& round, int64_t begin, const at::Tensor& base,
                      at::Tensor x) {
  std::vector<int64_t> set_rows, add_rows, held_rows, held_from;
  std::vector<StateValue> values, deltas;
  for (const Change& c : round) {
    const int64_t row = c.row - begin;
    if (row < 0 || row >= x.size(0)) continue;
    if (!c.value) {
      held_rows.push_back(row);
      held_from.push_back(c.base_row);
    } else {
      (c.adds ? add_rows : set_rows).push_back(row);
      (c.adds ? deltas : values).push_back(*c.value);
    }
  }
  if (!set_rows.empty()) x = x.index_copy(0, RowIndex(set_rows, x), Stacked(values, x));
  if (!add_rows.empty()) x = x.index_add(0, RowIndex(add_rows, x), Stacked(deltas, x));
  if (!held_rows.empty())
    x = x.index_copy(0, RowIndex(held_rows, x), base.index_select(0, RowIndex(held_from, x)));
  return x;
}

}  // namespace

void Changes::Append(const Place& place, Change change) {
  std::vector<Round>& rounds = changes_[place];
  const size_t n = count_[{place, change.row}]++;
  if (rounds.size() <= n) rounds.resize(n + 1);
  rounds[n].push_back(std::move(change));
}

void Changes::Append(const Variant& variant, const Placement& p,
                     const std::function<bool(const StateId&)>& acts) {
  const auto change = [&](const StateId& at, Change c) {
    if (at.token < p.first || at.token >= p.end || !acts(at)) return;
    c.row = at.token + p.shift;
    Append(at.place(), std::move(c));
  };
  for (const Intervention& intervention : variant) {
    std::visit(
        Overload{
            [&](const Set& set) { change(set.at, {.row = 0, .value = set.value}); },
            [&](const Add& add) { change(add.at, {.row = 0, .value = add.delta, .adds = true}); },
            [&](const Hold& hold) {
              change(hold.at,
                     {.row = 0, .value = std::nullopt, .base_row = hold.at.token + p.base_shift});
            },
            [](const Cut&) {}},
        intervention);
  }
}

at::Tensor Changes::Apply(const Place& place, int64_t begin, const at::Tensor& base,
                          at::Tensor x) const {
  const auto found = changes_.find(place);
  if (found == changes_.end()) return x;
  for (const Round& round : found->second) x = ApplyRound(round, begin, base, x);
  return x;
}

}  // namespace mambascope
