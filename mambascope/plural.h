// Numbers in sentences.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <string>

namespace mambascope {

// "1 fact", "2 facts", "0 facts". A noun whose plural is not its singular with an s gives both.
std::string Count(std::integral auto number, const std::string& singular,
                  const std::string& plural = "") {
  const std::string noun = number == 1 ? singular : plural.empty() ? singular + "s" : plural;
  return fmt::format("{} {}", number, noun);
}

}  // namespace mambascope
