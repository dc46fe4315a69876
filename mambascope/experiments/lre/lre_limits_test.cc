// Tests relations and options that a measurement skips or refuses.
#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>
#include <functional>

#include "mambascope/experiments/lre/lre_test_support.h"

namespace mambascope {
namespace {

using testing::HasSubstr;

class LreLimitsTest : public LreTest {};

TEST_F(LreLimitsTest, ARelationThatIsHardlyKnownIsSkippedAndSaysWhy) {
  Relation wrong = relation_;
  for (Sample& sample : wrong.samples) sample.object = "zz" + sample.object;
  const LreRelation unknown = MeasureRelation(model_, tokenizer_, wrong, Options());
  EXPECT_THAT(unknown.skipped, HasSubstr("knows 0 of the"));
  EXPECT_TRUE(unknown.Done().empty());
  EXPECT_TRUE(unknown.by_layer.empty());
  Relation few = relation_;
  few.samples.resize(5);
  EXPECT_THAT(MeasureRelation(model_, tokenizer_, few, Options()).skipped,
              HasSubstr("needs more than 5 samples, but has 5"));
}

// A model whose logits are NaN knows nothing, but that does not say anything about the relation.
TEST_F(LreLimitsTest, RefusesAModelWithDamagedWeights) {
  const Model damaged = model_.Edited(
      {{5, "W_o", at::full({1, 384}, std::nan("")), at::ones({1, model_.config().d_model})}});
  EXPECT_THAT(ErrorOf([&] { MeasureRelation(damaged, tokenizer_, relation_, Options()); }),
              HasSubstr("a logit is not a number"));
}

// Here either all samples are known, or none.
TEST_F(LreLimitsTest, OneMoreThanItIsMadeFromIsEnough) {
  LreOptions options = Options();
  options.trials = 1;
  options.ranks = {0};
  const LreTrial whole = MeasureRelation(model_, tokenizer_, relation_, options).trials[0];
  Relation few = relation_;
  few.samples = whole.train;
  few.samples.insert(few.samples.end(), whole.tested.begin(), whole.tested.begin() + 5);
  const LreRelation five = MeasureRelation(model_, tokenizer_, few, options);
  EXPECT_THAT(five.skipped, HasSubstr("needs more than 5 other samples, but has 5"));
  few.samples.push_back(whole.tested[5]);
  options.train = 3;
  const LreRelation more = MeasureRelation(model_, tokenizer_, few, options);
  EXPECT_EQ(more.skipped, "");
  EXPECT_GT(more.trials[0].known, 3);
}

// Some objects begin like others. Without the check for visible edits, an edit of rank 0 would
// count as a success for them.
TEST_F(LreLimitsTest, WhatIsSaidAlreadyIsNoEdit) {
  Relation ambiguous = relation_;
  for (size_t i = 0; i < ambiguous.samples.size(); i += 2) ambiguous.samples[i].object += "like";
  LreOptions options = Options();
  options.trials = 1;
  options.layers = {8};
  options.ranks = {0};
  EXPECT_EQ(MeasureRelation(model_, tokenizer_, ambiguous, options).chosen.causality.mean, 0);
  EXPECT_GT(
      MeasureRelation(model_, tokenizer_, ambiguous, AsPublished(options)).chosen.causality.mean,
      0);
}

TEST_F(LreLimitsTest, WhatCannotBeEditedIsSkipped) {
  Relation same = relation_;
  std::erase_if(same.samples, [](const Sample& sample) { return sample.object != "bird"; });
  EXPECT_THAT(MeasureRelation(model_, tokenizer_, same, Options()).skipped,
              HasSubstr("gives the same answer for all"));
}

TEST_F(LreLimitsTest, RefusesOptionsThatMeasureNothing) {
  const auto error = [&](const std::function<void(LreOptions&)>& spoil) {
    LreOptions options = Options();
    spoil(options);
    return ErrorOf([&] { MeasureRelation(model_, tokenizer_, relation_, options); });
  };
  EXPECT_THAT(error([](LreOptions& o) { o.layers = {16}; }), HasSubstr("layer 16"));
  EXPECT_THAT(error([](LreOptions& o) { o.ranks = {193}; }), HasSubstr("rank 193"));
  EXPECT_THAT(error([](LreOptions& o) { o.train = 1; }), HasSubstr("training samples, 1,"));
  EXPECT_THAT(error([](LreOptions& o) { o.trials = 0; }), HasSubstr("number of trials, 0,"));
  EXPECT_THAT(error([](LreOptions& o) { o.limit = 5; }), HasSubstr("limit of test samples, 5,"));
}

}  // namespace
}  // namespace mambascope
