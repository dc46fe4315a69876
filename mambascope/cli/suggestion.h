// Suggests the known name that is most similar to a mistyped one ("Did you mean").
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace mambascope {

// Returns the smallest number of insertions, deletions, replacements and swaps of neighboring
// characters that turn `a` into `b` (optimal string alignment distance).
size_t EditDistance(const std::string& a, const std::string& b);

// Returns the name in `known` with the smallest EditDistance to `name`. Returns nothing if all
// distances exceed both 2 and a third of the length of `name`. If `name` has more than 3 characters
// and a known name begins with it, that distance counts as 1. A name that would have to change
// completely is never returned.
std::optional<std::string> NearestName(const std::string& name,
                                       const std::vector<std::string>& known);

}  // namespace mambascope
