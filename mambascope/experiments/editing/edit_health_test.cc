// Tests what edits did to a model as a whole: numbers against dense matrices and separate
// perplexities, and warnings at their bounds.
#include "mambascope/experiments/editing/edit_health.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/target_scores.h"

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const std::vector<std::vector<int64_t>> kTexts = {
    {11, 20, 31, 44, 52, 63}, {70, 81, 92}, {5, 9, 200, 31, 30}};

// Models with random weights know no text.
constexpr double kAnyPerplexity = 1e30;

class EditHealthTest : public testing::TestWithParam<std::string> {
 protected:
  // Makes a rank-one edit in a random direction, of `share` times the weight's norm.
  Edit Random(int layer, double share, uint64_t seed) const {
    at::manual_seed(seed);
    const at::Tensor weight = Weight(model_, layer), u = at::randn({1, weight.size(1)}),
                     v = at::randn({1, weight.size(0)});
    return {layer, name_, u / u.norm(), v * (share * weight.norm() / v.norm())};
  }
  at::Tensor Weight(const Model& model, int layer) const {
    return FindEditable(model.layer(layer), name_).weight;
  }

  Model model_ = Model::Load(GoldenFolder() / GetParam());
  const std::string name_ = model_.layer(0).editable().back().name;
  // The lowest and the highest layer that have this projection.
  const int low_ = model_.LayersWith(name_).front(), high_ = model_.LayersWith(name_).back();
};

INSTANTIATE_TEST_SUITE_P(Models, EditHealthTest, testing::ValuesIn(TinyCheckpoints()), TestName);

TEST_P(EditHealthTest, NormsAreOfAllEditsOfAWeightTogether) {
  ASSERT_LT(low_, high_);
  const Edit a = Random(high_, 0.1, 1), b = Random(low_, 0.2, 2), c = Random(high_, 0.3, 3);
  const EditHealth health = CheckEdits(model_, {a, b, c}, kTexts);
  ASSERT_THAT(health.weights, SizeIs(2));
  const at::Tensor together = a.v.t().mm(a.u) + c.v.t().mm(c.u);
  EXPECT_EQ(health.weights[0].layer, low_);
  EXPECT_EQ(health.weights[1].layer, high_);
  EXPECT_EQ(health.weights[1].projection, name_);
  EXPECT_NEAR(health.weights[0].change_norm, 0.2 * health.weights[0].weight_norm, 1e-4);
  const double second = health.weights[1].change_norm / health.weights[1].weight_norm;
  EXPECT_NEAR(health.MostChangedPercent(), 100 * std::max(0.2, second), 1e-2);
  EXPECT_NEAR(health.weights[1].change_norm, together.norm().item<double>(), 1e-4);
  EXPECT_NEAR(health.weights[1].weight_norm, Weight(model_, high_).norm().item<double>(), 1e-4);
}

TEST_P(EditHealthTest, AnEditAndItsOppositeChangeNothing) {
  Edit there = Random(low_, 1.5, 4), back = there;
  back.v = -there.v;
  const EditHealth health =
      CheckEdits(model_, {there, back}, kTexts, {.most_perplexity_before = kAnyPerplexity});
  EXPECT_LT(health.weights[0].change_norm, 1e-5 * health.weights[0].weight_norm);
  EXPECT_NEAR(health.perplexity->after, health.perplexity->before,
              1e-4 * health.perplexity->before);
  EXPECT_THAT(health.warnings, IsEmpty());
  EXPECT_THAT(
      CheckEdits(model_, {there}, kTexts, {.most_perplexity_before = kAnyPerplexity}).warnings,
      testing::Not(IsEmpty()))
      << "one of them alone is too much";
}

TEST_P(EditHealthTest, PerplexitiesAreThoseOfTheTwoModels) {
  const Edit edit = Random(low_, 0.5, 5);
  const EditHealth health = CheckEdits(model_, {edit}, kTexts);
  const std::vector<double> before = Perplexities(model_, kTexts),
                            after = Perplexities(model_.Edited({edit}), kTexts);
  EXPECT_NE(before, after);
  EXPECT_NEAR(health.perplexity->before, std::cbrt(before[0] * before[1] * before[2]),
              1e-6 * health.perplexity->before);
  EXPECT_NEAR(health.perplexity->after, std::cbrt(after[0] * after[1] * after[2]),
              1e-6 * health.perplexity->after);
  EXPECT_EQ(health.perplexity->Ratio(), health.perplexity->after / health.perplexity->before);
}

TEST_P(EditHealthTest, TakesTheBaseModelsPerplexitiesWhereTheyAreKnown) {
  const Edit edit = Random(low_, 0.5, 5);
  const EditHealth health = CheckEdits(model_, {edit}, kTexts),
                   given = CheckEdits(model_, {edit}, kTexts, {.before = {2, 4, 8}});
  EXPECT_NEAR(given.perplexity->before, 4, 1e-9);
  EXPECT_EQ(given.perplexity->after, health.perplexity->after);
}

TEST_P(EditHealthTest, WarnsAboveItsBoundsAlone) {
  const std::vector<Edit> edits = {Random(low_, 0.30, 6), Random(high_, 0.10, 7)};
  const EditHealth health = CheckEdits(model_, edits, kTexts);
  const double ratio = health.perplexity->Ratio();
  const auto warnings = [&](double change, double perplexity) {
    return CheckEdits(model_, edits, kTexts,
                      {.most_change = change,
                       .most_perplexity = perplexity,
                       .most_perplexity_before = kAnyPerplexity})
        .warnings;
  };
  EXPECT_THAT(warnings(0.31, ratio * 1.001), IsEmpty());
  EXPECT_THAT(warnings(0.29, ratio * 1.001),
              ElementsAre(HasSubstr(fmt::format(
                  "{} at layer {} is changed by 0.30 of its norm (bound: 0.29)", name_, low_))));
  EXPECT_THAT(warnings(0.09, ratio * 1.001), SizeIs(2));
  EXPECT_THAT(warnings(0.31, ratio * 0.999), ElementsAre(HasSubstr("the perplexity")));
}

TEST_P(EditHealthTest, WithoutEditsAllIsAsItWas) {
  const EditHealth health =
      CheckEdits(model_, {}, kTexts, {.most_perplexity_before = kAnyPerplexity});
  EXPECT_THAT(health.weights, IsEmpty());
  EXPECT_EQ(health.perplexity->before, health.perplexity->after);
  EXPECT_EQ(health.MostChangedPercent(), 0);
  EXPECT_THAT(health.warnings, IsEmpty());
}

TEST_P(EditHealthTest, WithoutTextsThereIsNoPerplexity) {
  const std::vector<Edit> edits = {Random(low_, 1.5, 4)};
  const EditHealth health = CheckEdits(model_, edits, {});
  EXPECT_FALSE(health.perplexity);
  EXPECT_EQ(health.weights[0].change_norm,
            CheckEdits(model_, edits, kTexts).weights[0].change_norm);
  EXPECT_THAT(health.warnings, ElementsAre(HasSubstr("is changed by 1.50 of its norm")));
}

TEST_P(EditHealthTest, WarnsWhereTheUneditedModelDoesNotKnowTheText) {
  const double before = CheckEdits(model_, {}, kTexts).perplexity->before;
  EXPECT_THAT(CheckEdits(model_, {}, kTexts, {.most_perplexity_before = before * 1.001}).warnings,
              IsEmpty());
  EXPECT_THAT(CheckEdits(model_, {}, kTexts, {.most_perplexity_before = before * 0.999}).warnings,
              ElementsAre(HasSubstr("the model does not know text of this kind")));
}

TEST_P(EditHealthTest, RefusesATextOfOneToken) {
  EXPECT_THAT(ErrorOf([&] { CheckEdits(model_, {}, {{1, 2, 3}, {4}}); }), HasSubstr("text"));
}

}  // namespace
}  // namespace mambascope
