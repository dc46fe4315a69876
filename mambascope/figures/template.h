// JSON documents with holes: a figure's specification is a file that one can read, and its code
// computes only what differs.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

// The document `text`, which may have // comments, with each string value "@name" replaced by
// values[name]. REQUIRES: `text` is JSON and `values` has each name in it.
Json FillTemplate(std::string_view text, const std::map<std::string, Json>& values);

}  // namespace mambascope
