// Makes distinct facts from relations and from CounterFact records.
#include "mambascope/data/fact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Relation MakeRelation(const std::string& name, const std::vector<std::string>& templates,
                      const std::vector<Sample>& samples) {
  return {.name = name,
          .prompt_templates = templates,
          .prompt_templates_zs = {"zs {}"},
          .properties = {},
          .samples = samples};
}

CounterFactRecord MakeRecord(const std::string& relation, const std::string& pattern,
                             const std::string& subject, const std::string& is) {
  CounterFactRecord record;
  record.relation = relation;
  record.pattern = pattern;
  record.subject = subject;
  record.target_true = is;
  record.target_new = "something else";
  return record;
}

TEST(FactTest, RelationsAreAskedWithTheirFirstTemplateInTheirOrder) {
  const Relation rivers = MakeRelation("river", {"{} flows in", "In {}"},
                                       {{"Nile", "Africa"}, {"Amazon", "South America"}});
  const Relation capitals =
      MakeRelation("capital", {"The capital of {} is "}, {{" Chad", "N'Djamena"}});
  EXPECT_THAT(ToFacts(std::vector{rivers, capitals}),
              ElementsAre(Fact{"river", "{} flows in", "Nile", "Africa"},
                          Fact{"river", "{} flows in", "Amazon", "South America"},
                          Fact{"capital", "The capital of {} is ", " Chad", "N'Djamena"}))
      << "texts are verbatim, white space too";
}

TEST(FactTest, RepeatedFactIsThereOnce) {
  const Relation river =
      MakeRelation("river", {"{} flows in"}, {{"Nile", "Africa"}, {"Nile", "Egypt"}});
  EXPECT_THAT(ToFacts(std::vector{river, river}),
              ElementsAre(Fact{"river", "{} flows in", "Nile", "Africa"},
                          Fact{"river", "{} flows in", "Nile", "Egypt"}))
      << "a subject with two objects is two facts";
  const Relation other = MakeRelation("stream", {"{} flows in"}, {{"Nile", "Africa"}});
  EXPECT_EQ(ToFacts(std::vector{river, other}).size(), 3u)
      << "another relation's fact is another one";
}

TEST(FactTest, CounterFactIsAsTheWorldHasIt) {
  EXPECT_THAT(ToFacts(std::vector{MakeRecord("P103", "{} spoke", "Danielle Darrieux", "French"),
                                  MakeRecord("", "{} is in", "Rome", "Italy"),
                                  MakeRecord("P103", "{} spoke", "Danielle Darrieux", "French"),
                                  MakeRecord("P103", "{} speaks", "Danielle Darrieux", "French")}),
              ElementsAre(Fact{"P103", "{} spoke", "Danielle Darrieux", "French"},
                          Fact{"", "{} is in", "Rome", "Italy"},
                          Fact{"P103", "{} speaks", "Danielle Darrieux", "French"}));
}

TEST(FactTest, NothingHasNoFacts) {
  EXPECT_THAT(ToFacts(std::vector<Relation>{}), IsEmpty());
  EXPECT_THAT(ToFacts(std::vector<CounterFactRecord>{}), IsEmpty());
}

TEST(FactTest, BundledFilesHoldFacts) {
  const std::vector<Relation> relations =
      ReadRelations({RepositoryFolder() / "data/demo/relations"});
  size_t samples = 0;
  for (const Relation& relation : relations) samples += relation.samples.size();
  EXPECT_EQ(ToFacts(relations).size(), samples);
  const std::vector<CounterFactRecord> records =
      ReadCounterFact(RepositoryFolder() / "data/demo/counterfact.json");
  EXPECT_GT(ToFacts(records).size(), records.size() / 2);
  EXPECT_EQ(ToFacts(records)[0].object, records[0].target_true);
}

}  // namespace
}  // namespace mambascope
