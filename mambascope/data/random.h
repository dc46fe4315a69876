// The one source of random choices. It draws what Python's `random` and NumPy's RandomState draw
// from the same seed, so that the splits, targets and noise of the public implementations can be
// drawn again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace mambascope {

// Python's `random` (CPython's Modules/_randommodule.c and Lib/random.py): a Mersenne twister.
class Random {
 public:
  // random.seed(seed)
  explicit Random(uint64_t seed);

  // random.getrandbits(count). REQUIRES: 1 <= count <= 64
  uint64_t Bits(int count);
  // random.randrange(n): uniform on [0, n). REQUIRES: n > 0
  uint64_t Below(uint64_t n);

  // random.shuffle(items)
  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (size_t n = items.size(); n > 1; --n) std::swap(items[n - 1], items[Below(n)]);
  }
  // random.choice(items). REQUIRES: !items.empty()
  template <typename T>
  const T& Choice(const std::vector<T>& items) {
    return items[Below(items.size())];
  }

 private:
  std::mt19937 twister_;
};

// NumPy's RandomState(seed).randn: independent normal numbers of mean 0 and variance 1, by
// Marsaglia's polar method, which makes two at a time. ROME's causal tracing corrupts with it.
class NumpyNormal {
 public:
  explicit NumpyNormal(uint32_t seed) : twister_(seed) {}
  double operator()();

 private:
  double Uniform();  // on [0, 1), 53 bits

  std::mt19937 twister_;
  std::optional<double> second_;  // the other of the last two, still to be returned
};

}  // namespace mambascope
