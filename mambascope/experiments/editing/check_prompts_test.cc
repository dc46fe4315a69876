// Tests which prompts an edit is checked on, and that the checks see an edit.
#include "mambascope/experiments/editing/check_prompts.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/experiments/editing/target_scores.h"

namespace mambascope {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// `of_same` further samples share France's object, and `of_other` do not.
Relation SomeRelation(int of_same, int of_other) {
  Relation relation{.name = "country_continent",
                    .prompt_templates = {"{} lies in ", "A map of {} is a map of"},
                    .prompt_templates_zs = {"{} is a part of", "{} lies in"},
                    .properties = {},
                    .samples = {{"France", "Europe"}, {"France", "Europe"}}};
  for (int i = 0; i < of_same; ++i) relation.samples.push_back({"S" + std::to_string(i), "Europe"});
  for (int i = 0; i < of_other; ++i) relation.samples.push_back({"O" + std::to_string(i), "Asia"});
  return relation;
}

const Rewrite kFranceInAsia = {"{} lies in", "France", "Asia"};

std::vector<std::string> PromptsOf(const std::vector<CheckPrompt>& checks, CheckKind kind) {
  std::vector<std::string> prompts;
  for (const CheckPrompt& check : checks) {
    if (check.kind == kind) prompts.push_back(check.prompt);
  }
  return prompts;
}

int64_t OfObject(const std::vector<CheckPrompt>& checks, const std::string& object) {
  return std::count_if(checks.begin(), checks.end(),
                       [&](const CheckPrompt& check) { return check.object == object; });
}

TEST(CheckPromptsTest, ParaphrasesAreTheOtherTemplates) {
  EXPECT_THAT(
      PromptsOf(MakeCheckPrompts(SomeRelation(0, 0), kFranceInAsia, 0), CheckKind::kParaphrase),
      ElementsAre("A map of France is a map of", "France is a part of"));
}

TEST(CheckPromptsTest, NeighborsAreOtherSubjectsOfTheSameAndOtherObjects) {
  const auto neighbors = [](int of_same, int of_other) {
    const std::vector<CheckPrompt> checks =
        MakeCheckPrompts(SomeRelation(of_same, of_other), kFranceInAsia, 0);
    EXPECT_THAT(PromptsOf(checks, CheckKind::kNeighbor), Not(Contains("France lies in")));
    return std::pair(OfObject(checks, "Europe"), OfObject(checks, "Asia"));
  };
  EXPECT_EQ(neighbors(20, 20), std::pair(int64_t{5}, int64_t{5}));
  EXPECT_EQ(neighbors(20, 2), std::pair(int64_t{8}, int64_t{2}));
  EXPECT_EQ(neighbors(2, 20), std::pair(int64_t{2}, int64_t{8}));
  EXPECT_EQ(neighbors(0, 3), std::pair(int64_t{0}, int64_t{3}));
}

TEST(CheckPromptsTest, TheSeedDrawsThem) {
  const auto prompts = [](uint64_t seed) {
    return PromptsOf(MakeCheckPrompts(SomeRelation(30, 30), kFranceInAsia, seed),
                     CheckKind::kNeighbor);
  };
  EXPECT_THAT(prompts(1), SizeIs(10));
  EXPECT_EQ(prompts(1), prompts(1));
  EXPECT_NE(prompts(1), prompts(2));
}

TEST(CheckPromptsTest, TheRelationHasThePatternAndPreferablyTheSubject) {
  std::vector<Relation> relations = {SomeRelation(1, 1), SomeRelation(1, 1), SomeRelation(1, 1)};
  relations[0].prompt_templates = relations[0].prompt_templates_zs = {"{} exports"};
  relations[1].samples = {{"Peru", "America"}};
  EXPECT_EQ(RelationOfPattern(relations, kFranceInAsia), &relations[2]);
  EXPECT_EQ(RelationOfPattern(relations, {"{} lies in", "Atlantis", "Asia"}), &relations[1]);
  EXPECT_EQ(RelationOfPattern(relations, {"{} is near", "France", "Asia"}), nullptr);
  EXPECT_THAT(RelationsOfSubject(relations, "France"), ElementsAre(&relations[0], &relations[2]));
  EXPECT_THAT(RelationsOfSubject(relations, "Atlantis"), IsEmpty());
}

TEST(CheckPromptsTest, SeeWhatAnEditChanges) {
  const std::filesystem::path folder = RepositoryFolder() / "models/demo-mamba";
  const Model model = Model::Load(folder);
  const Tokenizer tokenizer = Tokenizer::Load(folder);
  const std::vector<int64_t> target = EncodeTarget(tokenizer, "Paris", "target");
  at::manual_seed(1);
  const Edit edit{14, "W_o", at::randn({1, 384}), at::randn({1, 192}) * 10};
  const std::vector<CheckPrompt> prompts = {
      {CheckKind::kPrompt, "The landmark called Louvre can be found in"},
      {CheckKind::kNeighbor, "The landmark called Colosseum can be found in", "Rome"}};
  const std::vector<EditCheck> same =
      CheckPrompts(model, model.Edited({}), tokenizer, prompts, target);
  EXPECT_TRUE(same[0].before.says_target);
  EXPECT_TRUE(same[0].after.says_target);
  EXPECT_GT(same[0].after.p_target, 0.9);
  EXPECT_FALSE(same[1].after.says_target);
  EXPECT_FALSE(same[0].HasChanged() || same[1].HasChanged());
  const std::vector<EditCheck> changed =
      CheckPrompts(model, model.Edited({edit}), tokenizer, prompts, target);
  EXPECT_NE(changed[0].after.p_target, changed[0].before.p_target);
  EXPECT_TRUE(changed[0].HasChanged() || changed[1].HasChanged());
  // A prompt that gives only the beginning of a target does not say it.
  const std::vector<int64_t> longer = {target[0], target[0]};
  EXPECT_FALSE(CheckPrompts(model, model, tokenizer, prompts, longer)[0].after.says_target);
  // Many prompts are computed in parts.
  const std::vector<CheckPrompt> many(40, prompts[1]);
  EXPECT_NEAR(CheckPrompts(model, model, tokenizer, many, target)[39].before.p_target,
              same[1].before.p_target, 1e-6);
}

TEST(CheckPromptsTest, WarnOfNeighborsThatSayTheTargetSinceTheEdit) {
  const auto neighbor = [](const char* prompt, bool said, bool says) {
    return EditCheck{.prompt = {CheckKind::kNeighbor, prompt},
                     .before = {.says_target = said},
                     .after = {.says_target = says}};
  };
  EXPECT_EQ(NeighborWarning({neighbor("A", true, true), neighbor("B", false, false)}),
            std::nullopt);
  EXPECT_EQ(NeighborWarning({neighbor("A", true, true), neighbor("Germany is", false, true)}),
            "1 of 2 neighbors now says the target, too: 'Germany is'");
  EXPECT_THAT(*NeighborWarning(std::vector(5, neighbor("A", false, true))),
              HasSubstr("5 of 5 neighbors now say the target, too: 'A', 'A', 'A', .."));
}

}  // namespace
}  // namespace mambascope
