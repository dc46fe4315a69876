// The colours of a grid: which ones, which value each end stands for, and where the colour bar has
// its labels.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "mambascope/figures/grid.h"

namespace mambascope {

using Ramp = std::array<std::string_view, 9>;  // #rrggbb, from the lowest value to the highest

struct Scheme {
  std::string_view name;
  Ramp ramp;               // on white
  bool is_signed = false;  // zero in the middle

  Ramp on_black() const;  // what is nearly white in `ramp` is nearly black in it

  // A line that belongs to the scheme.
  std::string_view line() const { return is_signed ? "#252525" : ramp[7]; }
  std::string_view line_on_black() const { return is_signed ? "#d9d9d9" : ramp[3]; }
};

// The scheme that the grid names. Throws Error, with the known ones, when there is none.
const Scheme& ColourScheme(const Grid& grid);

// The ends of the colour scale: the grid's domain, else the range of its values and references,
// which for a signed scheme is widened to have zero in the middle. The first is less than the
// second.
std::pair<double, double> ColourDomain(const Grid& grid);

// The values to label: the grid's references and about four round numbers, none nearer than `gap`
// to another.
std::vector<double> ColourTicks(const Grid& grid, double gap);

}  // namespace mambascope
