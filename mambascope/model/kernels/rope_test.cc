// Compares rotary positions and their scalings with the formulas, computed one angle at a time.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/kernels/attention.h"

namespace mambascope {
namespace {

// Radians per position of pair `i`, computed as in Llama 3's reference: by wavelength instead of
// frequency.
double Frequency(const RopeConfig& rope, int64_t i) {
  const double frequency =
      std::pow(rope.theta, -2.0 * static_cast<double>(i) / static_cast<double>(rope.dims));
  if (rope.scaling == RopeConfig::Scaling::kNone) return frequency;
  if (rope.scaling == RopeConfig::Scaling::kLinear) return frequency / rope.factor;
  const double wavelength = 2 * std::numbers::pi / frequency;
  if (wavelength < rope.original_context / rope.high_frequency_factor) return frequency;
  if (wavelength > rope.original_context / rope.low_frequency_factor)
    return frequency / rope.factor;
  const double smooth = (rope.original_context / wavelength - rope.low_frequency_factor) /
                        (rope.high_frequency_factor - rope.low_frequency_factor);
  return (1 - smooth) * frequency / rope.factor + smooth * frequency;
}

at::Tensor RotateByHand(const at::Tensor& x, const std::vector<int64_t>& positions,
                        const RopeConfig& rope) {
  at::Tensor out = x.clone();
  const auto in = x.accessor<float, 3>();
  auto to = out.accessor<float, 3>();
  const int64_t half = rope.dims / 2;
  for (int64_t t = 0; t < x.size(0); ++t) {
    for (int64_t h = 0; h < x.size(1); ++h) {
      for (int64_t i = 0; i < half; ++i) {
        const double angle =
            static_cast<double>(positions[static_cast<size_t>(t)]) * Frequency(rope, i);
        const double a = in[t][h][i], b = in[t][h][i + half];
        to[t][h][i] = static_cast<float>(a * std::cos(angle) - b * std::sin(angle));
        to[t][h][i + half] = static_cast<float>(b * std::cos(angle) + a * std::sin(angle));
      }
    }
  }
  return out;
}

using Scaling = RopeConfig::Scaling;
const RopeConfig kWhole = {.dims = 16}, kPart = {.dims = 4, .theta = 500},
                 kLinear = {.dims = 16, .scaling = Scaling::kLinear, .factor = 4};
// Of the eight wavelengths 6, 20, 63, ... 20000, one is shorter than 64 / 4, one is in between, and
// the others are longer than 60.
const RopeConfig kLlama3 = {.dims = 16,
                            .scaling = Scaling::kLlama3,
                            .factor = 8,
                            .low_frequency_factor = 64.0 / 60,
                            .high_frequency_factor = 4,
                            .original_context = 64};

class RopeTest : public testing::Test {
 protected:
  at::Tensor Turned(const RopeConfig& rope) const {
    return Rotate(x_, at::tensor(positions_, at::kLong), rope);
  }

  const at::Tensor x_ = (at::manual_seed(5), at::randn({4, 3, 16}));
  const std::vector<int64_t> positions_ = {0, 1, 7, 40};
};

TEST_F(RopeTest, TurnsEachPairByItsFrequency) {
  for (const RopeConfig& rope : {kWhole, kPart, kLinear, kLlama3}) {
    const at::Tensor turned = Turned(rope);
    EXPECT_LT(MaxDifference(turned, RotateByHand(x_, positions_, rope)), 2e-5);
    EXPECT_GT(MaxDifference(turned.slice(2, 0, rope.dims), x_.slice(2, 0, rope.dims)), 0.1);
    EXPECT_TRUE(turned[0].equal(x_[0])) << "position 0 does not turn";
    EXPECT_TRUE(turned.slice(2, rope.dims).equal(x_.slice(2, rope.dims)))
        << "the other features do not turn";
  }
  EXPECT_TRUE(Turned({}).equal(x_));
}

TEST_F(RopeTest, ScalingSlowsTheTurn) {
  EXPECT_GT(MaxDifference(Turned(kLinear), Turned(kWhole)), 0.1);
  const at::Tensor change = (Turned(kLlama3) - Turned(kWhole)).abs().amax({0, 1});
  EXPECT_EQ(change[0].item<double>(), 0) << "a short wave is kept";
  for (int i = 1; i < 8; ++i) EXPECT_GT(change[i].item<double>(), 1e-3) << i;
  EXPECT_GT(MaxDifference(Turned(kLlama3), Turned(kLinear)), 0.1);
}

}  // namespace
}  // namespace mambascope
