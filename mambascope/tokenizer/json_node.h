// A value in a JSON document together with its path, so that every error message names the file and
// the field:
//
//   models/x/tokenizer.json: field 'pre_tokenizer.pretokenizers[1].type' is "Metaspace"; supported:
//   ByteLevel, Digits, ...
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

class JsonNode {
 public:
  // The root of `document`, which must outlive the node. Every Error contains `file`.
  JsonNode(const Json& document, std::string file) : json_(&document), file_(std::move(file)) {}

  const Json& json() const { return *json_; }
  bool IsNull() const { return json_->is_null(); }
  bool IsObject() const { return json_->is_object(); }

  // Whether the field exists and is not null. False when this is not an object.
  bool Has(const std::string& key) const {
    return IsObject() && json_->contains(key) && !(*json_)[key].is_null();
  }
  // Returns a field. Throws Error when it is missing.
  JsonNode operator[](const std::string& key) const;
  // Returns an optional field; null when it is missing.
  JsonNode Optional(const std::string& key) const;
  // The elements of a list. Those of the document's root are called records in every Error.
  std::vector<JsonNode> Elements() const;

  // Returns the value. Throws Error, naming the field, when it has another type.
  const std::string& String() const;
  int64_t Index() const;  // an integer from 0 to INT32_MAX
  // Returns the value of an optional field, or `otherwise` when it is missing.
  bool Flag(const std::string& key, bool otherwise) const;
  std::string String(const std::string& key, const std::string& otherwise) const;

  // Returns the start of every Error about this node: "file: field 'a.b'", "file: a.b[1]", or
  // "file: record 1: field 'a'" where the root is a list.
  std::string Where() const;
  // Throws an Error with the text "<where> <problem>; <hint>".
  [[noreturn]] void Fail(const std::string& problem, const std::string& hint = "") const;
  // Throws Error: the value, a part of a tokenizer, is not one of `supported`.
  [[noreturn]] void Refuse(std::string_view supported) const;
  // The hint of Refuse: what is supported, and which commands need no tokenizer.
  static std::string Supported(std::string_view supported);

 private:
  JsonNode(const Json& json, std::string file, std::string field)
      : json_(&json), file_(std::move(file)), field_(std::move(field)) {}

  const Json* json_;
  std::string file_;
  std::string field_;
};

}  // namespace mambascope
