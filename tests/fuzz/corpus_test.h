// Calls a fuzzer with the files of its corpus, as a test: that of config_fuzz.cc reads
// corpus/config.
#pragma once

#include <gtest/gtest.h>

#include "mambascope/checkpoint/file.h"

namespace mambascope {

template <typename Read>
void ReadCorpus(const std::filesystem::path& fuzzer, const Read& read) {
  std::string name = fuzzer.stem().string();
  name.resize(name.rfind("_fuzz"));
  const auto folder = std::filesystem::path(MAMBASCOPE_ROOT) / "tests/fuzz/corpus" / name;
  for (const std::string& file : FileNames(folder)) {
    SCOPED_TRACE((folder / file).string());
    const std::string input = ReadFile(folder / file);
    EXPECT_NO_THROW(ReadOrRefuse([&] { read(input); }));
  }
}

}  // namespace mambascope

#define FUZZ(Name)                                                             \
  static void Fuzz##Name(std::string_view input);                              \
  TEST(FuzzCorpusTest, Name) { mambascope::ReadCorpus(__FILE__, Fuzz##Name); } \
  static void Fuzz##Name(std::string_view input)
