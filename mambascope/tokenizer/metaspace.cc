#include "mambascope/tokenizer/metaspace.h"

#include <fmt/format.h>

#include "mambascope/tokenizer/utf8.h"

namespace mambascope {

MetaspaceSpelling ReadMetaspace(const JsonNode& node) {
  MetaspaceSpelling space{.spelling = node["replacement"].String()};
  if (CountChars(space.spelling) != 1) node["replacement"].Refuse("one character");
  const bool adds = node.Flag("add_prefix_space", true);
  const std::string scheme = node.String("prepend_scheme", adds ? "always" : "never");
  if (scheme == "first") space.prepend = MetaspaceSpelling::Prepend::kFirst;
  else if (scheme == "never") space.prepend = MetaspaceSpelling::Prepend::kNever;
  else if (scheme != "always") node["prepend_scheme"].Refuse("always, first, never");
  if (!adds && scheme != "never")
    node["add_prefix_space"].Fail(fmt::format("is false, but prepend_scheme is {}", scheme));
  return space;
}

}  // namespace mambascope
