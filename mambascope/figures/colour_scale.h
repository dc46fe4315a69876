// The colours of a grid: the colour scheme, the values at the ends of its scale, and the labels of
// the colour bar.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/figures/grid.h"

namespace mambascope {

using Ramp = std::array<std::string_view, 9>;  // #rrggbb, from the lowest value to the highest

struct Scheme {
  std::string_view name;
  Ramp ramp;               // on white
  bool is_signed = false;  // zero in the middle

  Ramp on_black() const;  // colours that are nearly white in `ramp` are nearly black here

  // The colour of lines in figures of this scheme.
  std::string_view line() const { return is_signed ? "#252525" : ramp[7]; }
  std::string_view line_on_black() const { return is_signed ? "#d9d9d9" : ramp[3]; }
};

// The scheme that the grid names. Throws Error with the known names if there is no such scheme.
const Scheme& ColourScheme(const Grid& grid);

// The ends of the colour scale: the grid's domain, or the range of its values and references. For a
// signed scheme that range is widened until zero is in the middle. The first is less than the
// second.
std::pair<double, double> ColourDomain(const Grid& grid);

// The colours of a scheme as expressions that follow `dark`, and the values at which a scale from
// `low` to `high` has them.
Json ColourRange(const Scheme& scheme);
std::vector<double> ColourSteps(double low, double high);

// The values to label: the grid's references and about four round numbers. No two are nearer than
// `gap`.
std::vector<double> ColourTicks(const Grid& grid, double gap);

}  // namespace mambascope
