// A table of numbers over two labelled axes: what every heat map draws, whichever experiment made
// it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mambascope {

// A value worth reading the others against, such as p(answer) of the corrupted run.
struct Reference {
  std::string label;
  double value;
};

// Every field has a default, so that designated initializers may name the ones that matter.
struct Grid {
  std::string name = {};  // machine-readable key, and the name of saved pictures: "trace_ssm_out"
  std::string title = {}, subtitle = {};
  std::string row_title = {}, column_title = {}, value_title = {};  // "token", "layer", "p(answer)"
  std::vector<std::string> rows = {},
                           columns =
                               {};  // labels, top to bottom and left to right; they may repeat
  std::vector<std::vector<std::optional<double>>> values =
      {};                             // [row][column]; absent or not finite: no value
  std::vector<int> marked_rows = {};  // rows whose label gets a star: the subject's tokens
  std::string scheme =
      "purples";  // purples, reds, greens, blues, oranges, greys; redblue: signed values
  std::optional<std::pair<double, double>> domain =
      {};  // the colour scale's ends; by default those of values and references
  std::optional<int> picked_row = {};  // whose values are shown to begin with; by default the last
                                       // marked row, or that of the largest value
  std::vector<Reference> references = {};  // shown on the colour bar and as dashed lines
};

}  // namespace mambascope
