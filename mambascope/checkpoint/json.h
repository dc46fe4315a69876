// JSON as checkpoints spell it. Python writes a bare Infinity, -Infinity or NaN where JSON has none, and transformers 5 writes
// {"__float__": "Infinity"}: both are read as that number.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace mambascope {

using Json = nlohmann::json;

// The document in `text`. `name` is named in the Error that malformed JSON throws, with the byte where it stops making sense.
Json ParseJson(std::string_view text, const std::string& name);

// `json` as text, on one line, or indented by `indent`. Bytes that are no UTF-8 become U+FFFD.
std::string DumpJson(const Json& json, int indent = -1);

// The document in the file `path`. Throws Error when it cannot be read.
Json ReadJson(const std::filesystem::path& path);

}  // namespace mambascope
