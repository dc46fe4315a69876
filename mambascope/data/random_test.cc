// Expected numbers are from CPython 3.11's `random` and NumPy's RandomState. A comment beside each
// test has the Python code that made them.
#include "mambascope/data/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

// Returns `count` draws.
template <typename Draw>
auto Draws(int count, const Draw& draw) {
  std::vector<decltype(draw())> drawn;
  for (int i = 0; i < count; ++i) drawn.push_back(draw());
  return drawn;
}

std::vector<int> Numbers(int count) {
  std::vector<int> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

struct SeedCase {
  const char* name;
  uint64_t seed;
  std::vector<uint64_t> words;
};

void PrintTo(const SeedCase& c, std::ostream* out) { *out << "seed " << c.seed; }

class SeedTest : public testing::TestWithParam<SeedCase> {};

// random.seed(seed); [random.getrandbits(32) for _ in range(4)]
TEST_P(SeedTest, StartsWherePythonDoes) {
  Random random(GetParam().seed);
  EXPECT_THAT(Draws(4, [&] { return random.Bits(32); }), ElementsAreArray(GetParam().words));
}

const SeedCase kSeeds[] = {
    {"Zero", 0, {3626764237, 1654615998, 3255389356, 3823568514}},
    {"One", 1, {577090037, 2444712010, 3639700191, 3445702192}},
    {"Of123456", 123456, {3460142176, 3624162059, 3410457496, 1244111331}},
    {"LastOfOneWord", 4294967295, {2728839433, 2661025012, 872737089, 924893097}},
    {"FirstOfTwoWords", 4294967296, {485306839, 1508871100, 1794561286, 4014597330}},
    {"LastOfTwoWords", 18446744073709551615U, {93740670, 1068495656, 1452108352, 2657516307}}};

INSTANTIATE_TEST_SUITE_P(Seeds, SeedTest, testing::ValuesIn(kSeeds),
                         [](const auto& info) { return info.param.name; });

// random.seed(3); for _ in range(1000): random.getrandbits(32); then random.getrandbits(32).
// It comes after the 624 words of the first state.
TEST(RandomTest, GoesOnAsPythonDoes) {
  Random random(3);
  Draws(1000, [&] { return random.Bits(32); });
  EXPECT_EQ(random.Bits(32), 793907213U);
}

// random.seed(7); [random.getrandbits(k) for k in (1, 5, 31, 32, 33, 40, 63, 64)]
TEST(RandomTest, DrawsAnyCountOfBits) {
  Random random(7);
  std::vector<uint64_t> drawn;
  for (const int count : {1, 5, 31, 32, 33, 40, 63, 64}) drawn.push_back(random.Bits(count));
  EXPECT_THAT(drawn, ElementsAre(0, 30, 323946139, 1695753998, 2795742288, 902254243635,
                                 868196408185819179, 10750541312280087032U));
}

// random.seed(123456); [random.randrange(24) for _ in range(8)]
TEST(RandomTest, BelowDrawsAgainWhatIsTooLarge) {
  Random random(123456);
  EXPECT_THAT(Draws(8, [&] { return random.Below(24); }), ElementsAre(9, 0, 5, 0, 21, 2, 1, 8));
}

// random.seed(7); [random.randrange(n) for n in (1, 2, 3, 1000, 2**32, 2**32 + 1, 10**12, 2**63,
// 2**64 - 1)]
TEST(RandomTest, BelowTakesAnyLimit) {
  Random random(7);
  std::vector<uint64_t> drawn;
  for (const uint64_t n :
       {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{1000}, uint64_t{1} << 32,
        (uint64_t{1} << 32) + 1, uint64_t{1000000000000}, uint64_t{1} << 63, UINT64_MAX}) {
    drawn.push_back(random.Below(n));
  }
  EXPECT_THAT(drawn, ElementsAre(0, 0, 1, 666, 207388624, 404285457, 62632597597,
                                 691672907343361484, 7999350999753991002));
}

// random.seed(7); x = list(range(10)); random.shuffle(x); [random.choice("abcdefg") for _ in
// range(8)]
TEST(RandomTest, ShufflesAndChoosesAsPythonDoes) {
  Random random(7);
  std::vector<int> numbers = Numbers(10);
  random.Shuffle(numbers);
  EXPECT_THAT(numbers, ElementsAre(8, 3, 1, 4, 7, 0, 9, 6, 2, 5));
  const std::vector<std::string> letters = {"a", "b", "c", "d", "e", "f", "g"};
  EXPECT_THAT(Draws(8, [&] { return random.Choice(letters); }),
              ElementsAre("e", "b", "a", "a", "d", "d", "a", "b"));
}

TEST(RandomTest, ShuffleOfOneOrNoneDrawsNothing) {
  Random random(1), other(1);
  std::vector<int> none, one = {5};
  random.Shuffle(none);
  random.Shuffle(one);
  EXPECT_THAT(none, testing::IsEmpty());
  EXPECT_THAT(one, ElementsAre(5));
  EXPECT_EQ(random.Bits(32), other.Bits(32));
}

// The published code of the LRE draws five training samples from 24 with distinct objects: the
// first five of a shuffle. Expected numbers are their positions in the file. Seed 123456 draws
// three times from one stream. For country_capital_city.json these are the samples that the code's
// demo prints.
TEST(RandomTest, DrawsThePublishedSplits) {
  const auto split = [](Random& random) {
    std::vector<int> samples = Numbers(24);
    random.Shuffle(samples);
    samples.resize(5);
    return samples;
  };
  Random demo(12345), sweep(123456);
  EXPECT_THAT(split(demo), ElementsAre(14, 15, 12, 3, 22));
  EXPECT_THAT(split(sweep), ElementsAre(18, 4, 6, 23, 11));
  EXPECT_THAT(split(sweep), ElementsAre(0, 15, 11, 18, 4));
  EXPECT_THAT(split(sweep), ElementsAre(17, 4, 9, 5, 16));
}

testing::Matcher<double> Near(double value) {
  return testing::DoubleNear(value, 4e-16 * std::abs(value));
}

// numpy.random.RandomState(1).randn(6): the noise of ROME's causal tracing
TEST(NumpyNormalTest, DrawsTheNoiseOfCausalTracing) {
  NumpyNormal normal(1);
  EXPECT_THAT(
      Draws(6, [&] { return normal(); }),
      ElementsAre(Near(1.6243453636632417), Near(-0.6117564136500754), Near(-0.5281717522634557),
                  Near(-1.0729686221561705), Near(0.8654076293246785), Near(-2.3015386968802827)));
}

// The same method in Python made the two numbers. random.Random().setstate sets the state that
// init_genrand makes from the seed. Its random() is NumPy's double of 53 bits.
TEST(NumpyNormalTest, GoesOnAsNumpyDoes) {
  NumpyNormal normal(1);
  const std::vector<double> drawn = Draws(100001, [&] { return normal(); });
  EXPECT_THAT(drawn[1000], Near(-0.15323616176709168));
  EXPECT_THAT(drawn[100000], Near(-2.252118359519573));
  const double mean = std::accumulate(drawn.begin(), drawn.end(), 0.0) / 100001;
  const double square = std::inner_product(drawn.begin(), drawn.end(), drawn.begin(), 0.0) / 100001;
  EXPECT_NEAR(mean, 0, 0.01) << "three standard errors";
  EXPECT_NEAR(square, 1, 0.014);
}

// The numbers are made like the two above. NumPy itself gives the same numbers for seed 0.
TEST(NumpyNormalTest, TakesAnySeedOf32Bits) {
  NumpyNormal zero(0), last(4294967295);
  EXPECT_THAT(
      Draws(3, [&] { return zero(); }),
      ElementsAre(Near(1.764052345967664), Near(0.4001572083672233), Near(0.9787379841057392)));
  EXPECT_THAT(
      Draws(3, [&] { return last(); }),
      ElementsAre(Near(0.6484086742306527), Near(0.6693235306338161), Near(-1.0805437227474493)));
}

}  // namespace
}  // namespace mambascope
