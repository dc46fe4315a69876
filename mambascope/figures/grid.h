// A grid is a table of numbers over two labelled axes. Every heat map draws one.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mambascope {

// A value to compare the others with, such as p(answer) of the corrupted run.
struct Reference {
  std::string label;
  double value;
};

// Every field has a default, so that designated initializers may name only some fields.
struct Grid {
  std::string name = {};  // machine-readable key, and the name of saved pictures: "trace_ssm_out"
  std::string title = {}, subtitle = {};
  std::string row_title = {}, column_title = {}, value_title = {};  // "token", "layer", "p(answer)"
  std::vector<std::string> rows = {}, columns = {};                 // labels; they may repeat
  // [row][column]. A value that is absent or not finite is missing, and its cell is hatched.
  std::vector<std::vector<std::optional<double>>> values = {};
  std::string missing = "no value";   // what a hatched cell means; the subtitle says it
  std::vector<int> marked_rows = {};  // rows whose label gets a star: the subject's tokens
  // purples, reds, greens, blues, oranges or greys; redblue for signed values.
  std::string scheme = "purples";
  // The ends of the colour scale (default: the range of values and references).
  std::optional<std::pair<double, double>> domain = {};
  // The row that is selected first (default: the marked row with the largest value, or without
  // marked rows the row with the largest value).
  std::optional<int> picked_row = {};
  std::vector<Reference> references = {};  // shown on the colour bar and as dashed lines
};

}  // namespace mambascope
