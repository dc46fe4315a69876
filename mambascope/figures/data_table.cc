#include "mambascope/figures/data_table.h"

#include <algorithm>

#include "mambascope/figures/values.h"

namespace mambascope {

Json WithTable(Json spec, const DataTable& table) {
  const bool has_intervals =
      std::any_of(table.rows.begin(), table.rows.end(),
                  [](const DataTable::Row& row) { return row.interval.has_value(); });
  Json columns = table.keys, rows = Json::array();
  columns.push_back(table.value);
  if (has_intervals) {
    columns.push_back("low");
    columns.push_back("high");
  }
  for (const DataTable::Row& row : table.rows) {
    Json cells = row.keys;
    cells.push_back(ValueJson(row.value));
    if (has_intervals) {
      cells.push_back(row.interval ? Json(row.interval->first) : Json());
      cells.push_back(row.interval ? Json(row.interval->second) : Json());
    }
    rows.push_back(std::move(cells));
  }
  spec["usermeta"]["table"] = {{"keys", table.keys.size()}, {"columns", columns}, {"rows", rows}};
  return spec;
}

DataTable TableOfSpec(const Json& spec) {
  const Json& json = spec.at("usermeta").at("table");
  const auto columns = json.at("columns").get<std::vector<std::string>>();
  const auto keys = json.at("keys").get<std::ptrdiff_t>();
  DataTable table{.keys = {columns.begin(), columns.begin() + keys},
                  .value = columns.at(static_cast<size_t>(keys))};
  for (const Json& cells : json.at("rows")) {
    DataTable::Row row{.keys = {}, .value = {}};
    for (std::ptrdiff_t k = 0; k < keys; ++k) row.keys.push_back(cells[static_cast<size_t>(k)]);
    const auto at = static_cast<size_t>(keys);
    if (cells[at].is_number()) row.value = cells[at].get<double>();
    if (cells.size() > at + 2 && cells[at + 1].is_number())
      row.interval = {cells[at + 1].get<double>(), cells[at + 2].get<double>()};
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace mambascope
