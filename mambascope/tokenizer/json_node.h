// A place in a JSON document that knows where it is, so that every complaint names the file and the
// field:
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
  // The root of `document`, which must outlive the node. `file` is named in every Error.
  JsonNode(const Json& document, std::string file) : json_(&document), file_(std::move(file)) {}

  const Json& json() const { return *json_; }
  bool IsNull() const { return json_->is_null(); }
  bool IsObject() const { return json_->is_object(); }

  // Whether the field is there and not null. False, too, for what is no object.
  bool Has(const std::string& key) const {
    return IsObject() && json_->contains(key) && !(*json_)[key].is_null();
  }
  // A field. Throws Error when it is missing.
  JsonNode operator[](const std::string& key) const;
  // A field that may be left out: null when it is.
  JsonNode Optional(const std::string& key) const;
  // The elements of a list.
  std::vector<JsonNode> Elements() const;

  // The value; the Error for any other type names the field.
  const std::string& String() const;
  int64_t Index() const;  // >= 0
  // The value of a field that may be left out.
  bool Flag(const std::string& key, bool otherwise) const;
  std::string String(const std::string& key, const std::string& otherwise) const;

  // "file: field 'a.b[1]'": how an Error about this place begins.
  std::string Where() const;
  // Throws Error: "<where> <problem>; <hint>".
  [[noreturn]] void Fail(const std::string& problem, const std::string& hint = "") const;
  // Throws Error: the value, which is none of `supported`.
  [[noreturn]] void Refuse(std::string_view supported) const;

 private:
  JsonNode(const Json& json, std::string file, std::string field)
      : json_(&json), file_(std::move(file)), field_(std::move(field)) {}

  const Json* json_;
  std::string file_;
  std::string field_;
};

}  // namespace mambascope
