// JSON as checkpoints spell it. Standard JSON has no infinite numbers. Python writes a bare
// Infinity, -Infinity or NaN, and transformers 5 writes {"__float__": "Infinity"}. Both spellings
// are read as the number.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace mambascope {

// Result types convert to and from JSON as nlohmann::json expects: `to_json(Json&, const T&)` and
// `from_json(const Json&, T&)` are declared beside T.
using Json = nlohmann::json;

// Parses `text`. Throws Error for malformed JSON; the message contains `name` and the byte offset
// of the problem.
Json ParseJson(std::string_view text, const std::string& name);

// Returns `json` as text: on one line, or indented by `indent` spaces. Bytes that are not UTF-8
// become U+FFFD.
std::string DumpJson(const Json& json, int indent = -1);

// Whether all numbers in it are finite. Result files have null in place of others.
bool AllFinite(const Json& json);

// Parses the file `path`. Throws Error when it cannot be read.
Json ReadJson(const std::filesystem::path& path);

// Throws Json::out_of_range unless the number is an integer from `least` to `most`.
void RequireInteger(const Json& number, int64_t least, uint64_t most);

}  // namespace mambascope

// Integers are read only where the document has an integer that the type can hold. The library
// itself makes 4 of 4.5, and 8 of 4294967304.
template <std::integral T>
requires(!std::same_as<T, bool>) struct nlohmann::adl_serializer<T> {
  static void to_json(json& j, T value) { ::nlohmann::to_json(j, value); }
  static void from_json(const json& j, T& value) {
    mambascope::RequireInteger(j, static_cast<int64_t>(std::numeric_limits<T>::min()),
                               static_cast<uint64_t>(std::numeric_limits<T>::max()));
    ::nlohmann::from_json(j, value);
  }
};

// std::optional is written as null when it is empty or holds a number that is not finite.
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
