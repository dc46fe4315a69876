#include "mambascope/tokenizer/json_node.h"

#include <fmt/format.h>

#include <cmath>

#include "mambascope/error.h"

namespace mambascope {
namespace {

// The value for a message: in full if it is short, else its type and length.
std::string Brief(const Json& json) {
  if (json.is_number_float() && !std::isfinite(json.get<double>()))  // JSON writes it as null
    return std::isnan(json.get<double>()) ? "NaN" : "infinite";
  const std::string text = DumpJson(json);
  return text.size() <= 60 ? text
                           : fmt::format("{} of {} characters", json.type_name(), text.size());
}

}  // namespace

JsonNode JsonNode::operator[](const std::string& key) const {
  if (!IsObject()) Fail(fmt::format("is {}; expected an object", Brief(*json_)));
  if (!json_->contains(key)) Fail(fmt::format("lacks the field '{}'", key));
  return {(*json_)[key], file_, field_.empty() ? key : field_ + "." + key};
}

JsonNode JsonNode::Optional(const std::string& key) const {
  static const Json null;
  return {Has(key) ? (*json_)[key] : null, file_, field_.empty() ? key : field_ + "." + key};
}

std::vector<JsonNode> JsonNode::Elements() const {
  if (!json_->is_array()) Fail(fmt::format("is {}; expected a list", Brief(*json_)));
  std::vector<JsonNode> elements;
  for (size_t i = 0; i < json_->size(); ++i) {
    if (field_.empty()) elements.push_back({(*json_)[i], fmt::format("{}: record {}", file_, i)});
    else elements.push_back({(*json_)[i], file_, fmt::format("{}[{}]", field_, i)});
  }
  return elements;
}

const std::string& JsonNode::String() const {
  if (!json_->is_string()) Fail(fmt::format("is {}; expected a string", Brief(*json_)));
  return json_->get_ref<const std::string&>();
}

int64_t JsonNode::Index() const {
  if (!json_->is_number_unsigned() || json_->get<uint64_t>() > INT32_MAX) {
    Fail(fmt::format("is {}; expected an integer from 0 to {}", Brief(*json_), INT32_MAX));
  }
  return json_->get<int64_t>();
}

bool JsonNode::Flag(const std::string& key, bool otherwise) const {
  if (!Has(key)) return otherwise;
  const JsonNode field = (*this)[key];
  if (!field.json().is_boolean())
    field.Fail(fmt::format("is {}; expected true or false", Brief(field.json())));
  return field.json().get<bool>();
}

std::string JsonNode::String(const std::string& key, const std::string& otherwise) const {
  return Has(key) ? (*this)[key].String() : otherwise;
}

std::string JsonNode::Where() const {
  if (field_.empty()) return file_ + ":";
  if (field_.ends_with(']')) return fmt::format("{}: {}", file_, field_);
  return fmt::format("{}: field '{}'", file_, field_);
}

void JsonNode::Fail(const std::string& problem, const std::string& hint) const {
  throw Error(Where() + " " + problem, hint);
}

void JsonNode::Refuse(std::string_view supported) const {
  Fail(fmt::format("is {}, which is not supported", Brief(*json_)), Supported(supported));
}

std::string JsonNode::Supported(std::string_view supported) {
  return fmt::format(
      "supported: {}. predict, generate, states and attention work without a tokenizer: give token "
      "ids with --ids",
      supported);
}

}  // namespace mambascope
