// Compares rotary positions and their scalings with the formulas, computed one angle at a time.
#include "mambascope/model/kernels/rope.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

// How often the unscaled wave of pair `i` fits into the original context.
double Turns(const RopeConfig& rope, int64_t i) {
  return rope.original_context / (2 * std::numbers::pi) *
         std::pow(rope.theta, -2.0 * static_cast<double>(i) / static_cast<double>(rope.dims));
}

// The pair whose wave fits `turns` times into the original context, between two pairs.
double PairOf(const RopeConfig& rope, double turns) {
  return std::log(rope.original_context / (2 * std::numbers::pi * turns)) / std::log(rope.theta) *
         static_cast<double>(rope.dims) / 2;
}

// Returns YaRN's factor of the frequency of pair `i`. It is 1 for the waves that fit beta_fast
// times into the original context or more often. It is 1 / factor for those that fit beta_slow
// times or less often. Between the last pair of the former and the first of the latter, it is a
// linear blend by the pair's index.
double YarnScale(const RopeConfig& rope, int64_t i) {
  double low = 0, high = static_cast<double>(rope.dims) / 2;
  if (rope.whole_pairs) {
    for (int64_t pair = 0; pair < rope.dims / 2; ++pair) {
      if (Turns(rope, pair) >= rope.beta_fast) low = static_cast<double>(pair);
    }
    for (int64_t pair = rope.dims / 2; --pair >= 0;) {
      if (Turns(rope, pair) <= rope.beta_slow) high = static_cast<double>(pair);
    }
  } else {
    low = PairOf(rope, rope.beta_fast);
    high = PairOf(rope, rope.beta_slow);
  }
  const double blend = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
  return 1 - blend + blend / rope.factor;
}

// Radians per position of pair `i`. Llama 3's are computed as in its reference: by wavelength
// instead of frequency.
double Frequency(const RopeConfig& rope, int64_t i) {
  const double frequency =
      std::pow(rope.theta, -2.0 * static_cast<double>(i) / static_cast<double>(rope.dims));
  if (rope.scaling == RopeConfig::Scaling::kNone) return frequency;
  if (rope.scaling == RopeConfig::Scaling::kLinear) return frequency / rope.factor;
  if (rope.scaling == RopeConfig::Scaling::kYarn) return frequency * YarnScale(rope, i);
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
        const int64_t first = rope.interleaved ? 2 * i : i,
                      second = rope.interleaved ? 2 * i + 1 : i + half;
        const double a = in[t][h][first] * rope.magnitude, b = in[t][h][second] * rope.magnitude;
        to[t][h][first] = static_cast<float>(a * std::cos(angle) - b * std::sin(angle));
        to[t][h][second] = static_cast<float>(b * std::cos(angle) + a * std::sin(angle));
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

// Of the eight waves, which fit 163, 52, 16, 5.2, 1.6, 0.52, ... times into 1024 tokens, two are
// kept, three are blended, and the others are divided.
const RopeConfig kYarn = {.dims = 16,
                          .scaling = Scaling::kYarn,
                          .factor = 4,
                          .original_context = 1024,
                          .magnitude = 1.25};
const RopeConfig kYarnBetweenPairs = {.dims = 16,
                                      .scaling = Scaling::kYarn,
                                      .factor = 4,
                                      .original_context = 1024,
                                      .beta_fast = 20,
                                      .beta_slow = 2,
                                      .whole_pairs = false};

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

TEST_F(RopeTest, NeighbouringFeaturesArePairsWhereTheyAreInterleaved) {
  for (const RopeConfig& halves : {kWhole, kPart, kYarn}) {
    RopeConfig rope = halves;
    rope.interleaved = true;
    EXPECT_LT(MaxDifference(Turned(rope), RotateByHand(x_, positions_, rope)), 2e-5);
    EXPECT_GT(MaxDifference(Turned(rope), Turned(halves)), 0.1);
  }
  // The features of a pair turn among themselves.
  at::Tensor x = at::zeros({1, 1, 16});
  x[0][0][6] = 1;
  const at::Tensor turned = Rotate(x, at::tensor({7}), {.dims = 16, .interleaved = true}).flatten();
  EXPECT_NE(turned[7].item<double>(), 0);
  EXPECT_NEAR(turned.slice(0, 6, 8).norm().item<double>(), 1, 1e-6);
}

TEST_F(RopeTest, YarnKeepsShortWavesAndDividesLongOnes) {
  for (const RopeConfig& rope : {kYarn, kYarnBetweenPairs})
    EXPECT_LT(MaxDifference(Turned(rope), RotateByHand(x_, positions_, rope)), 2e-5);
  RopeConfig yarn = kYarn;
  yarn.magnitude = 1;
  const auto change = [&](const RopeConfig& other) {
    return (Turned(yarn) - Turned(other)).abs().amax({0, 1});
  };
  for (int i : {0, 1}) EXPECT_LT(change(kWhole)[i].item<double>(), 1e-6) << i;
  for (int i : {2, 3, 4}) {
    EXPECT_GT(change(kWhole)[i].item<double>(), 1e-3) << i;
    EXPECT_GT(change(kLinear)[i].item<double>(), 1e-3) << i;
  }
  for (int i : {5, 6, 7}) EXPECT_LT(change(kLinear)[i].item<double>(), 1e-6) << i;
  EXPECT_GT((Turned(yarn) - Turned(kYarnBetweenPairs)).abs().max().item<double>(), 1e-3);
}

// Queries and keys are both multiplied, so the scores are by the square.
TEST_F(RopeTest, YarnsMagnitudeScalesTheRotatedFeatures) {
  RopeConfig one = kYarn;
  one.magnitude = 1;
  EXPECT_LT(MaxDifference(Turned(kYarn), Turned(one) * 1.25), 1e-6);
  RopeConfig part = kYarn;
  part.dims = 8;
  EXPECT_TRUE(Turned(part).slice(2, 8).equal(x_.slice(2, 8))) << "the others keep their size";
}

// Frequencies of the public implementation (transformers 5.24) for a head of 128 features, theta
// 10^6, factor 4 and 32768 tokens.
TEST(YarnTest, FrequenciesArePublicOnes) {
  const struct {
    RopeConfig rope;
    std::vector<std::pair<int64_t, double>> frequencies;
  } kCases[] = {{{.dims = 128,
                  .theta = 1e6,
                  .scaling = Scaling::kYarn,
                  .factor = 4,
                  .original_context = 32768},
                 {{0, 1.0},
                  {10, 0.11547820270061493},
                  {23, 0.006978305988013744},
                  {24, 0.005375321488827467},
                  {30, 0.001064361073076725},
                  {39, 6.490394298452884e-05},
                  {40, 4.4456985051510856e-05},
                  {63, 3.102344408034696e-07}}},
                {{.dims = 128,
                  .theta = 1e6,
                  .scaling = Scaling::kYarn,
                  .factor = 4,
                  .original_context = 32768,
                  .beta_fast = 16,
                  .beta_slow = 2,
                  .whole_pairs = false},
                 {{24, 0.005623413249850273},
                  {30, 0.0011570935603231192},
                  {35, 0.0001894901943160221},
                  {39, 5.516835517482832e-05},
                  {63, 3.102344408034696e-07}}}};
  at::Tensor x = at::zeros({1, 1, 128});
  x.slice(2, 0, 64).fill_(1);
  for (const auto& [rope, frequencies] : kCases) {
    const at::Tensor sine = Rotate(x, at::tensor({1}), rope)[0][0].slice(0, 64);
    for (const auto& [pair, frequency] : frequencies)
      EXPECT_NEAR(std::asin(sine[pair].item<double>()), frequency, 2e-6 * frequency) << pair;
  }
}

}  // namespace
}  // namespace mambascope
