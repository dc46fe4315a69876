// Tests the rules of splits and edit targets. If the public data are available, also compares
// splits with the public implementation's.
#include "mambascope/data/relation_split.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAreArray;

std::vector<std::string> Subjects(const std::vector<Sample>& samples) {
  std::vector<std::string> subjects;
  for (const Sample& sample : samples) subjects.push_back(sample.subject);
  return subjects;
}

// Reads the RELATIONS dataset from the folder in MAMBASCOPE_RELATIONS.
class PublishedSplitTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("MAMBASCOPE_RELATIONS") == nullptr)
      GTEST_SKIP() << "MAMBASCOPE_RELATIONS names no folder";
  }
  std::vector<Sample> Read(const std::string& file) const {
    return ReadRelation(std::filesystem::path(std::getenv("MAMBASCOPE_RELATIONS")) / "factual" /
                        file)
        .samples;
  }
};

TEST_F(PublishedSplitTest, OfCapitals) {
  const std::vector<Sample> samples = Read("country_capital_city.json");
  Random demo(12345);
  EXPECT_THAT(Subjects(SplitSamples(samples, 5, demo).train),
              ElementsAre("China", "Japan", "Italy", "Brazil", "Turkey"));
  Random random(123456);
  EXPECT_THAT(Subjects(SplitSamples(samples, 5, random).train),
              ElementsAre("Pakistan", "Argentina", "Peru", "Australia", "Germany"));
  EXPECT_THAT(Subjects(SplitSamples(samples, 5, random).train),
              ElementsAre("United States", "Japan", "Germany", "Pakistan", "Argentina"));
  EXPECT_THAT(Subjects(SplitSamples(samples, 5, random).train),
              ElementsAre("India", "Argentina", "Spain", "Chile", "South Korea"));
}

// In this relation many samples share an object.
TEST_F(PublishedSplitTest, OfInstruments) {
  Random random(123456);
  const RelationSplit split = SplitSamples(Read("person_plays_instrument.json"), 5, random);
  EXPECT_THAT(Subjects(split.train), ElementsAre("Liam Gallagher", "Ian Carr", "Pete Jolly",
                                                 "Svend Asmussen", "Fats Waller"));
}

std::vector<Sample> Made() {
  std::vector<Sample> samples;
  for (int i = 0; i < 12; ++i)
    samples.push_back({"s" + std::to_string(i), i < 8 ? "common" : "o" + std::to_string(i)});
  return samples;
}

TEST(SplitTest, CoversAsManyObjectsAsItCan) {
  Random random(1);
  std::set<std::vector<Sample>> splits;
  for (int trial = 0; trial < 20; ++trial) {
    const RelationSplit split = SplitSamples(Made(), 5, random);
    std::set<std::string> objects;
    for (const Sample& sample : split.train) objects.insert(sample.object);
    EXPECT_EQ(objects.size(), 5u);
    std::vector<Sample> all = split.train;
    all.insert(all.end(), split.test.begin(), split.test.end());
    EXPECT_THAT(all, UnorderedElementsAreArray(Made()));
    splits.insert(split.train);
  }
  EXPECT_GT(splits.size(), 5u) << "the splits do not vary";
}

// The published rule: samples must differ in subject and object.
std::function<bool(size_t, size_t)> Differ(const std::vector<Sample>& samples) {
  return [&samples](size_t a, size_t b) {
    return samples[a].subject != samples[b].subject && samples[a].object != samples[b].object;
  };
}

TEST(SplitTest, EditTargetsDifferInSubjectAndObject) {
  Random random(1);
  const std::vector<Sample> samples = Made();
  std::set<size_t> of_first;
  for (int trial = 0; trial < 20; ++trial) {
    const auto targets = DrawEditTargets(samples, Differ(samples), random);
    ASSERT_EQ(targets.size(), samples.size());
    for (size_t i = 0; i < samples.size(); ++i) {
      ASSERT_TRUE(targets[i].has_value());
      EXPECT_NE(samples[*targets[i]].subject, samples[i].subject);
      EXPECT_NE(samples[*targets[i]].object, samples[i].object);
    }
    of_first.insert(*targets[0]);
  }
  EXPECT_EQ(of_first, (std::set<size_t>{8, 9, 10, 11}));
}

// Expected subjects are those that the public implementation draws with Python's random(123456): a
// split, the edit targets of its test samples, and the next split.
TEST(SplitTest, DrawsAsThePublicImplementation) {
  std::vector<Sample> samples;
  for (int i = 0; i < 16; ++i)
    samples.push_back({"s" + std::to_string(10 + i), "o" + std::to_string(i % 4)});
  Random random(123456);
  RelationSplit split = SplitSamples(samples, 5, random);
  EXPECT_THAT(Subjects(split.train), ElementsAre("s17", "s15", "s16", "s14", "s25"));
  std::sort(split.test.begin(), split.test.end());
  std::vector<std::string> targets;
  for (const std::optional<size_t>& target :
       DrawEditTargets(split.test, Differ(split.test), random))
    targets.push_back(split.test[target.value()].subject);
  EXPECT_THAT(targets, ElementsAre("s11", "s12", "s11", "s11", "s12", "s12", "s13", "s20", "s20",
                                   "s24", "s21"));
  EXPECT_THAT(Subjects(SplitSamples(samples, 5, random).train),
              ElementsAre("s16", "s22", "s11", "s25", "s24"));
}

TEST(SplitTest, WithoutAnotherObjectThereIsNoTarget) {
  Random random(1);
  const std::vector<Sample> same = {{"a", "x"}, {"b", "x"}};
  EXPECT_THAT(DrawEditTargets(same, Differ(same), random), ElementsAre(std::nullopt, std::nullopt));
}

}  // namespace
}  // namespace mambascope
