#include "mambascope/reports/result_page.h"

#include <fmt/format.h>

namespace mambascope {

std::string RelationsLine(const std::vector<RelationCount>& relations) {
  std::string line;
  for (const RelationCount& r : relations) {
    if (r.chosen > 0)
      line += fmt::format("{}{} {} of {}", line.empty() ? "" : ", ",
                          r.name.empty() ? "(no name)" : r.name, r.chosen, r.facts);
  }
  return line;
}

std::string OptionsLine(const Json& options) {
  std::string line;
  for (const auto& [key, value] : options.items())
    line += fmt::format("{}{}={}", line.empty() ? "" : ", ", key,
                        value.is_string() ? value.get<std::string>() : DumpJson(value));
  return line;
}

}  // namespace mambascope
