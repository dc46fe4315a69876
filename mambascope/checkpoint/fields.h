// Fields reads the values of a JSON object. Every error message names the file and the field.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/error.h"

namespace mambascope {

class Fields {
 public:
  Fields(const Json& json, std::string name) : json_(json), name_(std::move(name)) {
    if (!json_.is_object()) throw Error(name_ + ": not a JSON object");
  }

  // Returns the text that messages begin with.
  const std::string& name() const { return name_; }
  bool Has(const char* key) const { return json_.contains(key) && !json_[key].is_null(); }
  bool IsNull(const char* key) const { return json_.contains(key) && json_[key].is_null(); }
  const Json& Raw(const char* key) const {
    if (!json_.contains(key)) throw Error(fmt::format("{}: lacks the field '{}'", name_, key));
    return json_[key];
  }
  Fields Sub(const char* key) const {
    return {Raw(key), fmt::format("{}: field '{}'", name_, key)};
  }

  template <typename T>
  T Get(const char* key) const {
    if (!Has(key)) throw Error(fmt::format("{}: lacks the field '{}'", name_, key));
    const Json& value = json_[key];
    bool right = value.is_number();
    if constexpr (std::is_same_v<T, bool>) right = value.is_boolean();
    else if constexpr (std::is_integral_v<T>) right = value.is_number_integer();
    else if constexpr (std::is_same_v<T, std::string>) right = value.is_string();
    if (!right)
      throw Error(fmt::format("{}: field '{}' has the value {}, which has the wrong type", name_,
                              key, DumpJson(value)));
    if constexpr (std::is_floating_point_v<T>) RequireFloat(key, value);
    try {
      return value.get<T>();
    } catch (const Json::out_of_range&) {
      throw Error(fmt::format("{}: field '{}' is {}; expected an integer from {} to {}", name_, key,
                              DumpJson(value), std::numeric_limits<T>::min(),
                              std::numeric_limits<T>::max()));
    }
  }
  template <typename T>
  T Get(const char* key, T otherwise) const {
    return Has(key) ? Get<T>(key) : otherwise;
  }
  // Reads a size: at least 1, and at most 2^30 so that products of sizes do not overflow.
  int64_t Size(const char* key) const {
    const auto value = Get<int64_t>(key);
    if (value < 1 || value > 1 << 30)
      throw Error(fmt::format("{}: field '{}' is {}; expected a positive size of at most 2^30",
                              name_, key, value));
    return value;
  }
  int64_t Size(const char* key, int64_t otherwise) const {
    return Has(key) ? Size(key) : otherwise;
  }

  // Reads a finite number above 0.
  double Positive(const char* key) const {
    const auto value = Get<double>(key);
    if (!(value > 0) || !std::isfinite(value))
      throw Error(
          fmt::format("{}: field '{}' is {}; expected a positive number", name_, key, value));
    return value;
  }
  double Positive(const char* key, double otherwise) const {
    return Has(key) ? Positive(key) : otherwise;
  }

  // Reads a list of as many finite numbers as `otherwise` has.
  std::vector<double> Numbers(const char* key, const std::vector<double>& otherwise) const {
    if (!Has(key)) return otherwise;
    const Json& list = json_[key];
    if (!list.is_array() || list.size() != otherwise.size()) Refuse(key);
    std::vector<double> numbers;
    for (const Json& value : list) {
      if (!value.is_number() || !std::isfinite(value.get<double>())) Refuse(key);
      RequireFloat(key, value);
      numbers.push_back(value.get<double>());
    }
    return numbers;
  }

  // Throws Error unless `key` is absent or has this value.
  template <typename T>
  void Demand(const char* key, const T& value) const {
    if (Has(key) && Get<T>(key) != value) Refuse(key);
  }
  [[noreturn]] void Refuse(const char* key) const {
    if (!json_.contains(key))
      throw Error(
          fmt::format("{}: lacks the field '{}', and its usual value does not go with the "
                      "other fields",
                      name_, key));
    throw Error(fmt::format("{}: field '{}' has the value {}, which is not supported", name_, key,
                            DumpJson(json_[key])));
  }
  [[noreturn]] void Fail(const std::string& what) const {
    throw Error(fmt::format("{}: {}", name_, what));
  }

 private:
  // Models compute with float32, so a finite number must be finite as float32, too.
  void RequireFloat(const char* key, const Json& value) const {
    const auto number = value.get<double>();
    if (std::isfinite(number) && std::abs(number) > std::numeric_limits<float>::max())
      throw Error(fmt::format("{}: field '{}' is {}; expected a number that float32 can hold",
                              name_, key, number));
  }

  const Json& json_;
  std::string name_;
};

}  // namespace mambascope
