// A template is a JSON document with holes. A figure's specification is a template that one can
// read, and the figure's code computes only the values of its holes.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

// Returns the document `text` with each string value "@name" replaced by values[name]. The text may
// have // comments. REQUIRES: `text` is JSON, and `values` has every name in it.
Json FillTemplate(std::string_view text, const std::map<std::string, Json>& values);

}  // namespace mambascope
