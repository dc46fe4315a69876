// "Did you mean": the known name that a mistyped one is nearest to.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace mambascope {

// The fewest insertions, deletions, replacements and exchanges of neighbors that turn `a` into `b`
// (optimal string alignment distance).
size_t EditDistance(const std::string& a, const std::string& b);

// The nearest of `known` to `name`. None where all are far: further than a third of the name's
// length, and further than 2. A name that begins another is near.
std::optional<std::string> NearestName(const std::string& name,
                                       const std::vector<std::string>& known);

}  // namespace mambascope
