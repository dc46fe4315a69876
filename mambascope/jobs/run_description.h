// Describes a run: the options that result files echo, and those that the numbers depend on.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/checkpoint/json.h"

namespace mambascope {

struct RunDescription {
  Json options = Json::object();   // all options, echoed in result files
  Json identity = Json::object();  // runs of equal identity make equal results

  // Records an option that the numbers depend on.
  void DependsOn(const std::string& key, const Json& value) {
    options[key] = value;
    identity[key] = value;
  }
  // Records an option that changes no number.
  void Mentions(const std::string& key, const Json& value) { options[key] = value; }
  // Records the digest of a list that is divided into shards. key(item) tells items apart.
  template <typename Item, typename Key>
  void MentionsList(const std::vector<Item>& items, const Key& key) {
    Json keys = Json::array();
    for (const Item& item : items) keys.push_back(key(item));
    Mentions("data_digest", FingerprintText(DumpJson(keys)));
  }
  // Removes an option from the identity, because no number depends on it.
  void Ignores(const std::string& key) { identity.erase(key); }
};

}  // namespace mambascope
