// What the fuzzers share. A fuzzer is one file:
//
//   FUZZ(Config) { ParseConfig(ParseJson(input, "config.json"), "config.json"); }
//
// libFuzzer calls it with mutations of the files in corpus/config (`./dev fuzz`), and the tests
// call it with those files (FuzzCorpusTest). An input is read or refused with an Error. All else is
// a finding: another exception, a report of a sanitizer, a timeout, or too much memory.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "mambascope/error.h"

namespace mambascope {

// A folder for the inputs, in memory where the system has such a place.
class InputFolder {
 public:
  InputFolder() {
    const std::filesystem::path memory = "/dev/shm";
    std::string name =
        ((std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path()) /
         "mambascope-fuzz-XXXXXX")
            .string();
    if (mkdtemp(name.data()) == nullptr) throw Error(name + ": cannot be made");
    path_ = name;
  }
  ~InputFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  InputFolder(const InputFolder&) = delete;
  InputFolder& operator=(const InputFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Writes the input to the file `name` and returns its path. The next call may write over it.
inline std::filesystem::path InputFile(std::string_view input, const std::string& name) {
  static const InputFolder folder;
  std::ofstream(folder.path() / name, std::ios::binary) << input;
  return folder.path() / name;
}

template <typename Read>
void ReadOrRefuse(const Read& read) {
  try {
    read();
  } catch (const Error&) {
  }
}

}  // namespace mambascope

#ifdef MAMBASCOPE_FUZZER
#define FUZZ(Name)                                                           \
  static void Fuzz##Name(std::string_view input);                            \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {  \
    const std::string_view input(reinterpret_cast<const char*>(data), size); \
    mambascope::ReadOrRefuse([&] { Fuzz##Name(input); });                    \
    return 0;                                                                \
  }                                                                          \
  static void Fuzz##Name(std::string_view input)
#else
#include "tests/fuzz/corpus_test.h"
#endif
