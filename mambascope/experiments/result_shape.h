// Result files may be damaged, or changed by hand. Their readers check that lists which belong
// together are of one size, since what draws them relies on it.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "mambascope/error.h"

namespace mambascope {

// Throws Error unless the list has `size` elements. `name` is its key in the file.
template <typename T>
void RequireSize(const std::vector<T>& list, size_t size, const std::string& name) {
  if (list.size() != size)
    throw Error(fmt::format("'{}' has {} elements; expected {}", name, list.size(), size));
}

// Throws Error unless the grid has `rows` rows of `columns` elements.
template <typename T>
void RequireGrid(const std::vector<std::vector<T>>& grid, size_t rows, size_t columns,
                 const std::string& name) {
  RequireSize(grid, rows, name);
  for (const std::vector<T>& row : grid) RequireSize(row, columns, name);
}

// The number of columns of a grid's first row.
template <typename T>
size_t Columns(const std::vector<std::vector<T>>& grid) {
  return grid.empty() ? 0 : grid[0].size();
}

}  // namespace mambascope
