// The one source of random choices. From a seed it draws the same numbers as Python's `random` and
// NumPy's RandomState. So it can reproduce the splits, targets and noise of the public
// implementations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace mambascope {

// The generator of Python's `random` (CPython's Modules/_randommodule.c and Lib/random.py), a
// Mersenne twister.
class Random {
 public:
  // Like random.seed(seed).
  explicit Random(uint64_t seed);

  // Like random.getrandbits(count). REQUIRES: 1 <= count <= 64
  uint64_t Bits(int count);
  // Like random.randrange(n). Returns a uniform number from [0, n). REQUIRES: n > 0
  uint64_t Below(uint64_t n);

  // Like random.shuffle(items).
  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (size_t n = items.size(); n > 1; --n) std::swap(items[n - 1], items[Below(n)]);
  }
  // Like random.choice(items). REQUIRES: !items.empty()
  template <typename T>
  const T& Choice(const std::vector<T>& items) {
    return items[Below(items.size())];
  }

 private:
  std::mt19937 twister_;
};

// Draws the numbers of NumPy's RandomState(seed).randn: independent normal numbers with mean 0 and
// variance 1. Marsaglia's polar method makes two at a time. They are the noise of ROME's causal
// tracing.
class NumpyNormal {
 public:
  explicit NumpyNormal(uint32_t seed) : twister_(seed) {}
  double operator()();

 private:
  double Uniform();  // from [0, 1), with 53 random bits

  std::mt19937 twister_;
  std::optional<double> second_;  // second number of the last pair, until it is returned
};

}  // namespace mambascope
