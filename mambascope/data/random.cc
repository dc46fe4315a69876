#include "mambascope/data/random.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace mambascope {
namespace {

// Gives std::mt19937 the state that init_by_array makes from a seed (Matsumoto & Nishimura's
// mt19937ar.c), as Python does. std::seed_seq would make another state.
class PythonSeed {
 public:
  using result_type = uint32_t;

  explicit PythonSeed(uint64_t seed)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)} {
    key_.resize(key_[1] == 0 ? 1 : 2);  // Python's key has no leading zero, but at least one word
  }

  // REQUIRES: room for the 624 words of the state
  template <typename Iterator>
  void generate(Iterator begin, Iterator end) const {
    const std::array<uint32_t, kWords> state = State();
    std::copy_n(state.begin(), std::min<size_t>(kWords, end - begin), begin);
  }

 private:
  static constexpr size_t kWords = std::mt19937::state_size;

  std::array<uint32_t, kWords> State() const {
    std::array<uint32_t, kWords> x{19650218};
    const auto mixed = [&](size_t i) { return x[i - 1] ^ (x[i - 1] >> 30); };
    for (uint32_t i = 1; i < kWords; ++i) x[i] = 1812433253 * mixed(i) + i;
    uint32_t i = 1;
    // x is a ring of the words 1 to 623. Word 0 is a copy of word 623.
    const auto advance = [&] {
      if (++i < kWords) return;
      x[0] = x[kWords - 1];
      i = 1;
    };
    for (uint32_t k = 0; k < kWords; ++k, advance()) {
      const uint32_t j = k % key_.size();
      x[i] = (x[i] ^ (mixed(i) * 1664525)) + key_[j] + j;
    }
    for (uint32_t k = 1; k < kWords; ++k, advance()) x[i] = (x[i] ^ (mixed(i) * 1566083941)) - i;
    x[0] = 0x80000000;  // ensures that not all words are zero
    return x;
  }

  std::vector<uint32_t> key_;  // 32-bit words, the lowest first
};

}  // namespace

Random::Random(uint64_t seed) {
  PythonSeed state(seed);
  twister_.seed(state);
}

uint64_t Random::Bits(int count) {
  if (count <= 32) return twister_() >> (32 - count);
  const uint64_t low = twister_();
  return low | static_cast<uint64_t>(twister_() >> (64 - count)) << 32;
}

uint64_t Random::Below(uint64_t n) {
  const int bits = static_cast<int>(std::bit_width(n));
  uint64_t drawn = Bits(bits);
  while (drawn >= n) drawn = Bits(bits);
  return drawn;
}

double NumpyNormal::Uniform() {
  const uint64_t high = twister_() >> 5, low = twister_() >> 6;
  return static_cast<double>(high << 26 | low) / static_cast<double>(uint64_t{1} << 53);
}

double NumpyNormal::operator()() {
  if (second_) return *std::exchange(second_, std::nullopt);
  double x = 0, y = 0, r2 = 0;
  while (r2 >= 1 || r2 == 0) {
    x = 2 * Uniform() - 1;
    y = 2 * Uniform() - 1;
    r2 = x * x + y * y;
  }
  const double scale = std::sqrt(-2 * std::log(r2) / r2);
  second_ = scale * x;
  return scale * y;
}

}  // namespace mambascope
