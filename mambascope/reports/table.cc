#include "mambascope/reports/table.h"

#include <fmt/format.h>

#include <stdexcept>

#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

std::string Field(const Json& cell) {
  if (cell.is_null()) return "";
  if (!cell.is_string()) {
    const std::string number = DumpJson(cell);
    return number == "null" ? "" : number;  // one that is not finite
  }
  const std::string text = ReplaceInvalidUtf8(cell.get_ref<const std::string&>());
  if (!text.empty() && text.find_first_of("\",\r\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

Json TextCell(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json ModelCell(const Json& options) { return options.value("model", Json()); }

std::vector<std::string> JoinColumns(std::vector<std::string> columns,
                                     const std::vector<std::string>& more,
                                     const std::vector<std::string>& last) {
  columns.insert(columns.end(), more.begin(), more.end());
  columns.insert(columns.end(), last.begin(), last.end());
  return columns;
}

Table::Table(const std::vector<std::string>& columns) : columns_(columns.size()) {
  Append({columns.begin(), columns.end()});
}

void Table::Add(const TableCells& row) {
  if (row.size() != columns_)
    throw std::logic_error(
        fmt::format("a row of {} cells for a table of {} columns", row.size(), columns_));
  Append(row);
}

void Table::Append(const TableCells& row) {
  for (size_t i = 0; i < row.size(); ++i) csv_ += (i == 0 ? "" : ",") + Field(row[i]);
  csv_ += "\r\n";
}

}  // namespace mambascope
