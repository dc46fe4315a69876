#include "mambascope/model/kernels/rope.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mambascope {
namespace {

// YaRN (Peng et al. 2023, section 3.2) divides the frequencies of long waves by the factor and
// keeps those of short waves. Between them it blends by the pair's index.
at::Tensor YarnFrequencies(const at::Tensor& frequency, const RopeConfig& rope) {
  // The pair whose wave fits `turns` times into the original context.
  const auto pair = [&](double turns) {
    return static_cast<double>(rope.dims) *
           std::log(rope.original_context / (turns * 2 * std::numbers::pi)) /
           (2 * std::log(rope.theta));
  };
  double low = pair(rope.beta_fast), high = pair(rope.beta_slow);
  if (rope.whole_pairs) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(rope.dims - 1));
  if (low == high) high += 0.001;
  const at::Tensor share =
      1 - ((at::arange(0, rope.dims / 2, frequency.options()) - low) / (high - low)).clamp(0, 1);
  return (1 - share) * frequency / rope.factor + share * frequency;
}

// Radians per position of each feature pair, [dims / 2], float32.
at::Tensor Frequencies(const RopeConfig& rope, const at::TensorOptions& options) {
  const at::Tensor exponent = at::arange(0, rope.dims, 2, options) / static_cast<double>(rope.dims);
  const at::Tensor frequency = at::pow(rope.theta, exponent).reciprocal();
  if (rope.scaling == RopeConfig::Scaling::kNone) return frequency;
  if (rope.scaling == RopeConfig::Scaling::kLinear) return frequency / rope.factor;
  if (rope.scaling == RopeConfig::Scaling::kYarn) return YarnFrequencies(frequency, rope);
  // Llama 3 divides the frequencies of long waves by the factor and keeps those of short waves. In
  // between it blends the two by how often the wave fits into the original context.
  const at::Tensor turns = frequency * (rope.original_context / (2 * std::numbers::pi));
  const at::Tensor share = ((turns - rope.low_frequency_factor) /
                            (rope.high_frequency_factor - rope.low_frequency_factor))
                               .clamp(0, 1);
  return (1 - share) * frequency / rope.factor + share * frequency;
}

}  // namespace

at::Tensor Rotate(const at::Tensor& x, const at::Tensor& positions, const RopeConfig& rope) {
  if (rope.dims == 0) return x;
  const at::Tensor angle = at::outer(positions.to(x.options()), Frequencies(rope, x.options()))
                               .unsqueeze(1);  // [row, 1, dims / 2]
  at::Tensor cosine = at::cos(angle), sine = at::sin(angle);
  if (rope.magnitude != 1) cosine = cosine * rope.magnitude, sine = sine * rope.magnitude;
  const int64_t half = rope.dims / 2;
  const at::Tensor rest = x.slice(2, rope.dims);
  if (rope.interleaved) {
    const at::Tensor even = x.slice(2, 0, rope.dims, 2), odd = x.slice(2, 1, rope.dims, 2);
    const at::Tensor rotated =
        at::stack({even * cosine - odd * sine, odd * cosine + even * sine}, 3).flatten(2);
    return at::cat({rotated, rest}, 2);
  }
  const at::Tensor first = x.slice(2, 0, half), second = x.slice(2, half, rope.dims);
  return at::cat({first * cosine - second * sine, second * cosine + first * sine, rest}, 2);
}

}  // namespace mambascope
