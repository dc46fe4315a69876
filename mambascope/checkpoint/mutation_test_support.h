// Mutations of files: bytes flipped, removed or inserted. They are the same in every run.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>

#include "mambascope/error.h"

namespace mambascope {

// Applies one to four changes to `bytes`.
inline std::string Mutate(std::string bytes, std::mt19937_64& random) {
  for (uint64_t changes = 1 + random() % 4; changes > 0 && !bytes.empty(); --changes) {
    const size_t at = random() % bytes.size(), length = 1 + random() % 16;
    switch (random() % 5) {
      case 0: bytes[at] = static_cast<char>(random()); break;
      case 1: bytes[at] ^= static_cast<char>(1 << random() % 8); break;
      case 2: bytes.erase(at, length); break;
      case 3: bytes.insert(at, bytes.substr(random() % bytes.size(), length)); break;
      default: bytes.resize(at); break;
    }
  }
  return bytes;
}

struct Outcome {
  int read = 0, refused = 0;
};

// Calls `read` with `count` mutations of `bytes`.
template <typename Read>
Outcome Try(const std::string& bytes, int count, const Read& read) {
  std::mt19937_64 random(20240406);
  Outcome outcome;
  for (int i = 0; i < count; ++i) {
    const std::string mutated = Mutate(bytes, random);
    const auto start = std::chrono::steady_clock::now();
    try {
      read(mutated);
      ++outcome.read;
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), testing::HasSubstr("x."))
          << "mutation " << i << " is refused without the file's name";
      ++outcome.refused;
    } catch (const std::exception& e) {
      ADD_FAILURE() << "mutation " << i << " throws " << e.what();
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10))
        << "mutation " << i;
  }
  return outcome;
}

}  // namespace mambascope
