// Runs the program itself, as a user does.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/json.h"
#include "mambascope/checkpoint/test_support.h"

namespace mambascope {

struct Outcome {
  int exit_code = -1;
  std::string out, err;  // err: without the lines of progress, which a busy machine has more of
};

// A command line's words.
using Words = std::vector<std::string>;

inline Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline std::string Quoted(const std::string& word) {
  std::string quoted = "'";
  for (char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

// With the wait policy chosen the program need not start a second time to choose it (see main.cc).
inline constexpr const char* kQuickStart = "OMP_WAIT_POLICY=passive ";

inline Outcome RunProgram(const std::vector<std::string>& arguments,
                          const std::string& environment = kQuickStart) {
  const TempFolder folder;
  std::string line = environment + Quoted(MAMBASCOPE_BINARY);
  for (const std::string& argument : arguments) line += " " + Quoted(argument);
  line += " 2>" + Quoted(folder / "err");
  Outcome outcome;
  FILE* pipe = popen(line.c_str(), "r");
  char buffer[4096];
  for (size_t n = 0; (n = fread(buffer, 1, sizeof(buffer), pipe)) > 0;)
    outcome.out.append(buffer, n);
  const int status = pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  std::ifstream err(folder / "err");
  for (std::string part; std::getline(err, part);) {
    if (!part.starts_with("progress: ")) outcome.err += part + "\n";
  }
  return outcome;
}

// The one JSON document that a command with --json prints.
inline Json RunForJson(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const Outcome outcome = RunProgram(arguments);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return ParseJson(outcome.out, "stdout");
}

// A file of the bundled data.
inline std::string DemoData(const std::string& name) {
  return (RepositoryFolder() / "data/demo" / name).string();
}

// Removes the keys that are times: their values differ from run to run.
inline void EraseTimes(Json& json) {
  if (!json.is_structured()) return;
  if (json.is_object()) {
    json.erase("seconds");
    json.erase("seconds_per_edit");
  }
  for (Json& value : json) EraseTimes(value);
}
inline Json ReadWithoutTimes(const std::filesystem::path& file) {
  Json json = ReadJson(file);
  EraseTimes(json);
  return json;
}

inline std::vector<std::string> Keys(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

}  // namespace mambascope
