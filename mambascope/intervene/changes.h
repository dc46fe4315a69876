// Changes applies the Sets, Adds and Holds of variants to packed rows.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "mambascope/intervene/intervention.h"

namespace mambascope {

// One change of one packed row.
struct Change {
  int64_t row;
  std::optional<StateValue> value;  // none: a Hold, which takes the base run's value
  int64_t base_row = 0;             // the row of that value
  bool adds = false;
};

// Maps the tokens [first, end) of a prompt to packed rows and to rows of the base run.
struct Placement {
  int64_t first, end;
  int64_t shift;       // row = token + shift
  int64_t base_shift;  // row of the base run = token + base_shift
};

// Changes of packed rows, grouped by place.
class Changes {
 public:
  // Appends a change. Changes of the same row and place act in the order in which they are
  // appended.
  void Append(const Place& place, Change change);
  // Appends the Sets, Adds and Holds of `variant` on states in the placement for which acts(state)
  // is true.
  void Append(const Variant& variant, const Placement& placement,
              const std::function<bool(const StateId&)>& acts);
  // Returns whether there are changes at `place`.
  bool Has(const Place& place) const { return changes_.contains(place); }
  // Returns x with its changes made. x holds the packed rows from row `begin` on; `base` holds the
  // rows of the base runs.
  at::Tensor Apply(const Place& place, int64_t begin, const at::Tensor& base, at::Tensor x) const;

 private:
  using Round = std::vector<Change>;  // at most one change per row

  std::map<Place, std::vector<Round>> changes_;
  std::map<std::pair<Place, int64_t>, size_t> count_;
};

}  // namespace mambascope
