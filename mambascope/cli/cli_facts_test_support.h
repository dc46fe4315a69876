// Runs of the commands over facts of data sets, for their tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>

#include "mambascope/cli/cli_test_support.h"

namespace mambascope {

// What float32's rounding leaves of a probability: batches of other shapes add in another order.
inline constexpr double kRounding = 1e-5;

// Expects the same document, with numbers that differ by `tolerance` at most, or by that share of a
// number above 1. `where` is the path in the document.
inline void ExpectClose(const Json& a, const Json& b, double tolerance,
                        const std::string& where = {}) {
  ASSERT_EQ(a.is_number(), b.is_number()) << where;
  if (a.is_number()) {
    EXPECT_NEAR(a.get<double>(), b.get<double>(),
                tolerance * std::max(1.0, std::abs(b.get<double>())))
        << where;
  } else if (a.is_structured()) {
    ASSERT_EQ(a.size(), b.size()) << where;
    ASSERT_EQ(a.is_object() ? Keys(a) : Words(), b.is_object() ? Keys(b) : Words()) << where;
    auto other = b.begin();
    for (const auto& [key, value] : a.items())
      ExpectClose(value, *other++, tolerance, where + "/" + key);
  } else {
    EXPECT_EQ(a, b) << where;
  }
}

inline Words Lines(const std::string& text) {
  Words lines;
  for (size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1)
    lines.push_back(text.substr(begin, text.find('\n', begin) - begin));
  return lines;
}

class FactsCliTest : public testing::Test {
 protected:
  // Few facts, so that those to run are found quickly: rivers of two continents.
  FactsCliTest() {
    Json relation = ReadJson(RepositoryFolder() / "data/demo/relations/river_continent.json");
    Json few = Json::array();
    for (const char* object : {"Africa", "Asia"}) {
      size_t count = 0;
      for (const Json& sample : relation["samples"]) {
        if (sample["object"] == object && ++count <= 6) few.push_back(sample);
      }
    }
    relation["samples"] = few;
    WriteFile(relation_, relation.dump());
  }
  // The command over the relation's facts, with results in `out`.
  Outcome RunFacts(const std::string& command, const std::string& out, const Words& more) const {
    Words words = {command, "--relations", relation_, "--out", folder_ / out};
    words.insert(words.end(), more.begin(), more.end());
    return RunProgram(words);
  }
  Json Result(const std::string& command, const std::string& out) const {
    return ReadJson(folder_ / out / (command + ".json"));
  }
  Json RunForResult(const std::string& command, const std::string& out, const Words& more) const {
    const Outcome outcome = RunFacts(command, out, more);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.exit_code == 0 ? Result(command, out) : Json();
  }
  // Name and bytes of all files in `out`.
  std::map<std::string, std::string> Files(const std::string& out) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / out))
      files[entry.path().filename().string()] = ReadFile(entry.path());
    return files;
  }

  const TempFolder folder_;
  const std::string relation_ = folder_ / "rivers.json";
};

}  // namespace mambascope
