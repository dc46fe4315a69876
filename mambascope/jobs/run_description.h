// What made a result: the options that result files echo, and of these the ones that the numbers
// depend on.
#pragma once

#include <string>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

struct RunDescription {
  Json options = Json::object();   // echoed in result files
  Json identity = Json::object();  // runs that agree in these make the same results

  // The numbers depend on `value`.
  void DependsOn(const std::string& key, const Json& value) {
    options[key] = value;
    identity[key] = value;
  }
  // It is worth telling, and changes no number.
  void Mentions(const std::string& key, const Json& value) { options[key] = value; }
  // The numbers do not depend on what `key` says.
  void Ignores(const std::string& key) { identity.erase(key); }
};

}  // namespace mambascope
