// The fields that readers of data files share: those that hold text. Every Error names the file and
// the field.
#pragma once

#include <string>
#include <vector>

#include "mambascope/tokenizer/json_node.h"

namespace mambascope {

// A string. Throws Error when it is empty: an empty subject, object or prompt has no tokens. It
// lives as long as the document.
const std::string& ReadText(const JsonNode& field);

// A text with exactly one {}, which stands for the subject.
const std::string& ReadPattern(const JsonNode& field);

// A list of texts; it may be empty.
std::vector<std::string> ReadTexts(const JsonNode& field);

// A list of at least one text. A text alone is a list of one.
std::vector<std::string> ReadTextOrTexts(const JsonNode& field);

}  // namespace mambascope
