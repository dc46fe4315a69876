// A table in long form: a row per cell, with its keys. As a file it is CSV (RFC 4180), in UTF-8.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

// Texts, numbers, truth values and nulls of a row. Numbers are written as result files have them.
using TableCells = std::vector<Json>;

inline TableCells operator+(TableCells a, const TableCells& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A text's cell: null when it is empty.
Json TextCell(const std::string& text);

// The model as the options give it.
Json ModelCell(const Json& options);

// All columns, in this order.
std::vector<std::string> JoinColumns(std::vector<std::string> columns,
                                     const std::vector<std::string>& more,
                                     const std::vector<std::string>& last = {});

class Table {
 public:
  explicit Table(const std::vector<std::string>& columns);
  // Adds a row. Throws std::logic_error unless it has a cell for each column.
  void Add(const TableCells& row);

  // The file: the columns' names, then the rows. Lines end with CRLF. A null is an empty field; an
  // empty text is "".
  const std::string& csv() const { return csv_; }

 private:
  void Append(const TableCells& row);

  size_t columns_;
  std::string csv_;
};

}  // namespace mambascope
