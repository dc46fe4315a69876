// Functions that read text fields of data files. Every Error names the file and the field.
#pragma once

#include <string>
#include <vector>

#include "mambascope/tokenizer/json_node.h"

namespace mambascope {

// Returns a string, which lives as long as the document. Throws Error when it is empty, because an
// empty subject, object or prompt has no tokens.
const std::string& ReadText(const JsonNode& field);

// Returns a text with exactly one {}, which stands for the subject. Throws Error for another text.
const std::string& ReadPattern(const JsonNode& field);

// Returns a list of texts, which may be empty.
std::vector<std::string> ReadTexts(const JsonNode& field);

// Returns a list of texts from a text or a list. Throws Error for an empty list.
std::vector<std::string> ReadTextOrTexts(const JsonNode& field);

}  // namespace mambascope
