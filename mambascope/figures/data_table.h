// The numbers behind a figure as a table in long form: a row per number, with its keys. The
// figure's specification holds it as usermeta.table, {keys: their number, columns, rows}. Pages
// save it as CSV, and reports find the largest value in it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

struct DataTable {
  std::vector<std::string> keys;  // names of the keys: "token", "layer"
  std::string value;              // name of the numbers: "indirect effect"
  struct Row {
    std::vector<std::string> keys;
    std::optional<double> value;
    std::optional<std::pair<double, double>> interval = {};
  };
  std::vector<Row> rows = {};
};

// Adds `table` to the specification. Missing values are null. The columns "low" and "high" are
// there if some number has an interval.
Json WithTable(Json spec, const DataTable& table);

// Returns the table of a specification that WithTable made.
DataTable TableOfSpec(const Json& spec);

}  // namespace mambascope
