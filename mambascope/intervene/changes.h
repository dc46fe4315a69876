// Changes are what the Sets, Adds and Holds of variants do to packed rows.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "mambascope/intervene/intervention.h"

namespace mambascope {

// One change of one packed row.
struct Change {
  int64_t row;
  at::Tensor value;      // [width]; undefined: the base run's
  int64_t base_row = 0;  // where that is
  bool adds = false;
};

// A Placement says where the tokens [first, end) of a prompt lie, and where those of its base run.
struct Placement {
  int64_t first, end;
  int64_t shift;       // from tokens to rows
  int64_t base_shift;  // to the base run's rows
};

// They are kept place by place.
class Changes {
 public:
  // Appends a change after those of the same row and place that are there already.
  void Append(const Place& place, Change change);
  // Appends what `variant` does to the states of the placement for which acts(state).
  void Append(const Variant& variant, const Placement& placement,
              const std::function<bool(const StateId&)>& acts);
  // Returns x with its changes. x has the packed rows from `begin` on; `base` has the base runs'
  // rows.
  at::Tensor Apply(const Place& place, int64_t begin, const at::Tensor& base, at::Tensor x) const;

 private:
  using Round = std::vector<Change>;  // at most one change of a row

  std::map<Place, std::vector<Round>> changes_;
  std::map<std::pair<Place, int64_t>, size_t> count_;
};

}  // namespace mambascope
