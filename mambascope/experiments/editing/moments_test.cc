// Compares second moments with plain float64 sums over the states that Run keeps, and C^-1 k with a
// solve without Cholesky.
#include "mambascope/experiments/editing/moments.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/intervene/run.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Prompts = std::vector<std::vector<int64_t>>;

const Prompts kPrompts = {
    {7, 300, 21, 150, 9, 88}, {5}, {12, 333, 4, 4, 90}, {201, 17, 3, 256, 41, 60, 77, 8, 19}};

class MomentsTest : public testing::TestWithParam<std::string> {
 protected:
  MomentsTest() {
    for (const EditableWeight& weight : model_.layer(0).editable()) {
      for (const int layer : {Second(weight.key), 0}) places_.push_back({weight.key, layer});
    }
    places_.push_back({Site::kEmbed, kEmbedLayer});
  }

  // Returns the second layer that has `site`.
  int Second(Site site) const { return model_.LayersWith(site).at(1); }

  // Returns the sum of k k^T, one prompt and one outer product at a time.
  at::Tensor PlainSum(const Place& place) const {
    at::Tensor sum;
    for (const std::vector<int64_t>& prompt : kPrompts) {
      const at::Tensor states = mambascope::Run(model_, {prompt}, {.variants = {}, .keep = {place}})
                                    .State(place, 0)
                                    .to(at::kDouble);
      for (int64_t t = 0; t < states.size(0); ++t) {
        const at::Tensor product = at::outer(states[t], states[t]);
        sum = sum.defined() ? sum + product : product;
      }
    }
    return sum;
  }

  c10::NoGradGuard no_grad_;
  Model model_ = Model::Load(GoldenFolder() / GetParam());
  std::vector<Place> places_;
};

INSTANTIATE_TEST_SUITE_P(Checkpoints, MomentsTest, testing::ValuesIn(TinyCheckpoints()), TestName);

TEST_P(MomentsTest, AreTheSumOverWholeRuns) {
  MomentCollector collector(model_, places_);
  collector.Add({kPrompts[0], kPrompts[1]}, places_);
  collector.Add({kPrompts[2], kPrompts[3]}, places_);
  for (const Place& place : places_) {
    const Moments moments = collector.At(place);
    const at::Tensor expected = PlainSum(place);
    EXPECT_EQ(moments.count, 21);
    EXPECT_EQ(moments.sum.scalar_type(), at::kDouble);
    EXPECT_GT(expected.abs().max().item<double>(), 0);
    EXPECT_LT(MaxDifference(moments.sum, expected), 1e-5 * expected.abs().max().item<double>())
        << SiteName(place.site) << place.layer;
    EXPECT_TRUE(at::equal(moments.sum, moments.sum.t()));
    EXPECT_LT(MaxDifference(moments.Mean() * 21, moments.sum),
              1e-12 * expected.abs().max().item<double>());
  }
}

TEST_P(MomentsTest, PackingDoesNotChangeThem) {
  MomentCollector together(model_, places_), apart(model_, places_);
  together.Add(kPrompts, places_);
  for (const std::vector<int64_t>& prompt : kPrompts) apart.Add({prompt}, places_);
  for (const Place& place : places_) {
    const Moments a = together.At(place), b = apart.At(place);
    EXPECT_EQ(a.count, b.count);
    EXPECT_LT(MaxDifference(a.sum, b.sum), 1e-5 * a.sum.abs().max().item<double>());
  }
}

// The pass stops above the highest place, other places are left out, and earlier sums are
// continued.
TEST_P(MomentsTest, AreCollectedAtThePlacesAskedFor) {
  MomentCollector all(model_, places_), some(model_, places_);
  all.Add(kPrompts, places_);
  some.Restore(places_[0], all.At(places_[0]));
  some.Add(kPrompts, {places_[1]});
  some.Add(kPrompts, {});
  EXPECT_TRUE(at::equal(some.At(places_[0]).sum, all.At(places_[0]).sum));
  EXPECT_TRUE(at::equal(some.At(places_[1]).sum, all.At(places_[1]).sum));
  EXPECT_EQ(some.count(places_[0]), 21);
  EXPECT_EQ(some.count(places_.back()), 0);
  some.Add(kPrompts, {places_[0]});
  EXPECT_EQ(some.count(places_[0]), 42);
  EXPECT_LT(MaxDifference(some.At(places_[0]).sum, 2 * all.At(places_[0]).sum),
            1e-9 * all.At(places_[0]).sum.abs().max().item<double>());
}

TEST_P(MomentsTest, RefusePlacesThatTheModelLacks) {
  EXPECT_THAT(ErrorOf([&] { MomentCollector(model_, {{Site::kMixed, 99}}); }), HasSubstr("99"));
  MomentCollector collector(model_, places_);
  EXPECT_THAT(ErrorOf([&] { collector.Add({{5}, {}}, places_); }), HasSubstr("empty"));
}

// Places below a damaged weight do not depend on it.
TEST_P(MomentsTest, RefuseStatesThatAreNotNumbers) {
  const EditableWeight out = model_.layer(0).editable().back();
  const Model damaged = model_.Edited(
      {{0, out.name, at::full({1, out.weight.size(1)}, NAN), at::ones({1, out.weight.size(0)})}});
  const Place below{out.key, 0}, above{out.key, Second(out.key)};
  MomentCollector collector(damaged, {below, above});
  EXPECT_THAT(ErrorOf([&] {
                collector.Add(kPrompts, {below, above});
              }),
              HasSubstr("a state at " + PlaceName(above) + " is not a number"));
  EXPECT_EQ(ErrorOf([&] { collector.Add(kPrompts, {below}); }), "no error");
}

Moments RandomMoments(int64_t count, int64_t width) {
  at::manual_seed(count);
  const at::Tensor keys =
      at::randn({count, width}, at::kDouble) * at::logspace(0, 2, width, 10, at::kDouble);
  return {.sum = keys.t().mm(keys), .count = count};
}

TEST(MomentSolverTest, SolvesLikeAGeneralSolver) {
  const Moments moments = RandomMoments(300, 40);
  const at::Tensor keys = at::randn({5, 40}, at::kFloat);
  const at::Tensor expected = at::linalg_solve(moments.Mean(), keys.to(at::kDouble).t()).t();
  const MomentSolver solver(moments);
  EXPECT_FALSE(solver.singular());
  EXPECT_LT(MaxDifference(solver.Solve(keys), expected),
            1e-10 * expected.abs().max().item<double>());
  const double condition = at::linalg_cond(moments.Mean()).item<double>();
  EXPECT_GT(solver.condition(), condition / 40);
  EXPECT_LE(solver.condition(), condition);
}

TEST(MomentSolverTest, RidgeIsAShareOfTheMeanDiagonal) {
  const Moments moments = RandomMoments(300, 40);
  const at::Tensor c = moments.Mean(), key = at::randn({1, 40}, at::kDouble);
  const at::Tensor ridged = c + at::eye(40, at::kDouble) * (0.1 * c.diagonal().mean());
  const at::Tensor expected = at::linalg_solve(ridged, key.t()).t(),
                   solved = MomentSolver(moments, 0.1).Solve(key);
  EXPECT_LT(MaxDifference(solved, expected), 1e-10 * expected.abs().max().item<double>());
  EXPECT_GT(MaxDifference(solved, MomentSolver(moments).Solve(key)),
            1e-3 * expected.abs().max().item<double>());
}

TEST(MomentSolverTest, FewerTokensThanFeaturesAreSingular) {
  const MomentSolver solver(RandomMoments(20, 40));
  EXPECT_TRUE(solver.singular());
  EXPECT_THAT(ErrorOf([&] {
                solver.Solve(at::ones({1, 40}));
              }),
              AllOf(HasSubstr("singular (tokens: 20, width: 40)"), HasSubstr("--ridge")));
  EXPECT_FALSE(MomentSolver(RandomMoments(20, 40), 1e-3).singular());
  EXPECT_TRUE(MomentSolver({.sum = at::zeros({4, 4}, at::kDouble), .count = 0}).singular());
  at::Tensor nearly = at::eye(4, at::kDouble);
  nearly[3][3] = 1e-13;
  EXPECT_TRUE(MomentSolver({.sum = nearly, .count = 1}).singular());
}

// Float64 alone would lose the small sums, or keep them in some orders only.
TEST(MomentsAddTest, SumsDoNotDependOnTheirOrder) {
  const auto of = [](double sum) {
    return Moments{.sum = at::full({1, 1}, sum, at::kDouble), .count = 1};
  };
  std::vector<double> sums = {-1e16, 0.5, 1, 3e-5, 1e16};
  do {
    Moments all = of(0);
    for (const double sum : sums) all.Add(of(sum));
    EXPECT_EQ(all.sum.item<double>(), 1.50003);
    EXPECT_EQ(all.count, 6);
  } while (std::next_permutation(sums.begin(), sums.end()));
}

// The states are wider than a block of the products.
TEST(MomentCollectorTest, SumsOfWideStatesAreWhole) {
  c10::NoGradGuard no_grad;
  const Model model = Model::Load(RepositoryFolder() / "models/demo-mamba");
  const Place place{Site::kMixed, 2};
  MomentCollector collector(model, {place});
  collector.Add(kPrompts, {place});
  at::Tensor expected = at::zeros({384, 384}, at::kDouble);
  for (const std::vector<int64_t>& prompt : kPrompts) {
    const at::Tensor x = mambascope::Run(model, {prompt}, {.variants = {}, .keep = {place}})
                             .State(place, 0)
                             .to(at::kDouble);
    expected += x.t().mm(x);
  }
  EXPECT_LT(MaxDifference(collector.At(place).sum, expected),
            1e-5 * expected.abs().max().item<double>());
}

}  // namespace
}  // namespace mambascope
