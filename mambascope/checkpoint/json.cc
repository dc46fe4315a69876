#include "mambascope/checkpoint/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/refusals.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

// Replaces bare Infinity, -Infinity and NaN outside strings by the spelling of transformers 5.
std::string QuoteBareFloats(std::string_view text) {
  std::string out;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (in_string || text[i] == '"') {
      if (in_string && text[i] == '\\' && i + 1 < text.size()) out += text[i++];
      else if (text[i] == '"') in_string = !in_string;
      out += text[i];
      continue;
    }
    size_t before = out.size();
    for (std::string_view word : {"-Infinity", "Infinity", "NaN"}) {
      if (text.substr(i, word.size()) != word) continue;
      out += fmt::format(R"({{"__float__":"{}"}})", word);
      i += word.size() - 1;
      break;
    }
    if (out.size() == before) out += text[i];
  }
  return out;
}

// Converts a byte offset in QuoteBareFloats(text) to the offset in `text`.
size_t Unquoted(std::string_view text, size_t byte) {
  size_t low = 0, high = text.size();
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (QuoteBareFloats(text.substr(0, middle)).size() < byte) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Throws Error when `text` is nested too deeply. Functions that walk a document recurse at each
// level and would overflow the stack.
void CheckDepth(std::string_view text, const std::string& name) {
  constexpr int kMaxDepth = 500;
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') in_string = !in_string;
    else if (in_string) i += text[i] == '\\' ? 1 : 0;
    else if (text[i] == ']' || text[i] == '}') --depth;
    else if ((text[i] == '[' || text[i] == '{') && ++depth > kMaxDepth) {
      throw Error(fmt::format("{}: JSON is nested more than {} levels deep at byte {}", name,
                              kMaxDepth, i + 1));
    }
  }
}

void ReplaceFloatObjects(Json& value) {
  if (value.is_object() && value.size() == 1 && value.contains("__float__")) {
    const std::string word =
        value["__float__"].is_string() ? value["__float__"].get<std::string>() : "";
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (word == "Infinity") value = kInfinity;
    else if (word == "-Infinity") value = -kInfinity;
    else if (word == "NaN") value = std::numeric_limits<double>::quiet_NaN();
  } else if (value.is_structured()) {
    for (Json& child : value) ReplaceFloatObjects(child);
  }
}

}  // namespace

Json ParseJson(std::string_view text, const std::string& name) {
  CheckDepth(text, name);
  const bool has_bare_floats = text.find("Infinity") != text.npos || text.find("NaN") != text.npos;
  try {
    Json value = has_bare_floats ? Json::parse(QuoteBareFloats(text)) : Json::parse(text);
    if (has_bare_floats) ReplaceFloatObjects(value);
    return value;
  } catch (const Json::parse_error& e) {
    const size_t first = text.find_first_not_of(" \t\r\n");
    if (first == text.npos || (text[first] != '{' && text[first] != '['))
      throw Error(fmt::format("{}: is not JSON", name));
    throw Error(fmt::format("{}: invalid JSON at byte {}", name,
                            has_bare_floats ? Unquoted(text, e.byte) : e.byte),
                std::string_view(e.what()).find("UTF-8") == std::string_view::npos
                    ? "the file may be truncated"
                    : "the file must be UTF-8");
  } catch (const Json::out_of_range&) {  // e.g. 1e999
    throw Error(fmt::format("{}: holds a number that is too large for a double", name),
                "write Infinity for an infinite number");
  }
}

std::string DumpJson(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json ReadJson(const std::filesystem::path& path) {
  const std::string text = ReadFile(path);
  RefuseLfsPointer(text, path);
  return ParseJson(text, path.string());
}

void RequireInteger(const Json& number, int64_t least, uint64_t most) {
  const bool fits = number.is_number_unsigned() ? number.get_ref<const uint64_t&>() <= most
                    : number.is_number_integer()
                        ? number.get_ref<const int64_t&>() >= least &&
                              (number.get_ref<const int64_t&>() < 0 ||
                               static_cast<uint64_t>(number.get_ref<const int64_t&>()) <= most)
                        : false;
  if (!fits)
    throw Json::out_of_range::create(
        406, fmt::format("{} is not an integer from {} to {}", DumpJson(number), least, most),
        &number);
}

bool AllFinite(const Json& json) {
  if (json.is_structured()) return std::all_of(json.begin(), json.end(), AllFinite);
  return !json.is_number_float() || std::isfinite(json.get<double>());
}

}  // namespace mambascope
