// JSON as checkpoints spell it. Python writes a bare Infinity, -Infinity or NaN where JSON has
// none, and transformers 5 writes
// {"__float__": "Infinity"}: both are read as that number.
#pragma once

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace mambascope {

// Results are written and read by nlohmann's own idiom: `to_json(Json&, const T&)` and
// `from_json(const Json&, T&)` beside T.
using Json = nlohmann::json;

// The document in `text`. `name` is named in the Error that malformed JSON throws, with the byte
// where it stops making sense.
Json ParseJson(std::string_view text, const std::string& name);

// `json` as text, on one line, or indented by `indent`. Bytes that are no UTF-8 become U+FFFD.
std::string DumpJson(const Json& json, int indent = -1);

// The document in the file `path`. Throws Error when it cannot be read.
Json ReadJson(const std::filesystem::path& path);

}  // namespace mambascope

// A value that may be missing is null where it is, and so is a number that is not finite.
template <typename T>
struct nlohmann::adl_serializer<std::optional<T>> {
  static void to_json(json& j, const std::optional<T>& value) {
    bool has = value.has_value();
    if constexpr (std::is_floating_point_v<T>) has = has && std::isfinite(*value);
    if (has) j = *value;
    else j = nullptr;
  }
  static void from_json(const json& j, std::optional<T>& value) {
    if (j.is_null()) value.reset();
    else value = j.get<T>();
  }
};
