#include "mambascope/data/attribute_snippets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/json.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/data/counterfact.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

const Json kEntry = Json::parse(R"({"relation_id": "P403", "target_id": "Q1", "extra": 1,
    "samples": [{"name": "Duna", "text": "Duna ends there.", "id": 3}, {"name": "Dnipro", "text": "So does Dnipro."}]})");

class AttributeSnippetsTest : public testing::Test {
 protected:
  AttributeSnippets Read(const Json& document) const {
    WriteFile(folder_ / "snippets.json", document.dump());
    return ReadAttributeSnippets(folder_ / "snippets.json");
  }
  std::string ErrorWith(const std::string& pointer, const Json& value) const {
    Json entry = kEntry;
    entry[Json::json_pointer(pointer)] = value;
    return ErrorOf([&] { Read(Json::array({kEntry, entry})); });
  }
  TempFolder folder_;
};

TEST_F(AttributeSnippetsTest, EntriesAreFoundByTheirIds) {
  Json other = kEntry, same = kEntry;
  other["target_id"] = "Q2";
  other["samples"].erase(0);
  same["samples"].erase(1);
  const AttributeSnippets snippets = Read(Json::array({kEntry, other, same}));
  ASSERT_THAT(snippets, SizeIs(2));
  const std::vector<Snippet>& texts = snippets.at({"P403", "Q1"});
  ASSERT_THAT(texts, SizeIs(3));
  EXPECT_EQ(texts[1].name, "Dnipro");
  EXPECT_EQ(texts[1].text, "So does Dnipro.");
  EXPECT_EQ(texts[2].text, "Duna ends there.");
  EXPECT_THAT(SnippetTexts(snippets), ElementsAre("Duna ends there.", "So does Dnipro.",
                                                  "Duna ends there.", "So does Dnipro."));
}

TEST_F(AttributeSnippetsTest, BadFilesAreRefusedByFileEntryAndField) {
  EXPECT_THAT(ErrorWith("/relation_id", ""),
              AllOf(HasSubstr("snippets.json"), HasSubstr("record 1: field 'relation_id'")));
  EXPECT_THAT(ErrorWith("/target_id", 3), HasSubstr("record 1: field 'target_id'"));
  EXPECT_THAT(ErrorWith("/samples", "x"), HasSubstr("record 1: field 'samples'"));
  EXPECT_THAT(ErrorWith("/samples/1/text", ""), HasSubstr("record 1: field 'samples[1].text'"));
  EXPECT_THAT(ErrorWith("/samples/0/name", 1), HasSubstr("record 1: field 'samples[0].name'"));
  EXPECT_THAT(ErrorOf([&] { Read(Json::array()); }), HasSubstr("holds no snippets"));
}

TEST(SnippetsOfTest, SayEveryFactInEveryTemplate) {
  const Relation relation{
      .name = "flows",
      .prompt_templates = {"{} flows into the", "The mouth of {} is in the"},
      .prompt_templates_zs = {},
      .properties = {},
      .samples = {{"Duna", "Black Sea"}, {"Wisla", "Baltic"}, {"Dnipro", "Black Sea"}}};
  const AttributeSnippets snippets = CollectSnippets({relation});
  ASSERT_THAT(snippets, SizeIs(2));
  std::vector<std::string> texts;
  for (const Snippet& snippet : snippets.at({"flows", "Black Sea"}))
    texts.push_back(snippet.name + ": " + snippet.text);
  EXPECT_THAT(texts, ElementsAre("Duna: Duna flows into the Black Sea.",
                                 "Duna: The mouth of Duna is in the Black Sea.",
                                 "Dnipro: Dnipro flows into the Black Sea.",
                                 "Dnipro: The mouth of Dnipro is in the Black Sea."));
}

// The bundled relations have texts about every object that the bundled records write.
TEST(SnippetsOfTest, CoverTheBundledRecords) {
  const AttributeSnippets snippets =
      CollectSnippets(ReadRelations({RepositoryFolder() / "data/demo/relations"}));
  for (const CounterFactRecord& record :
       ReadCounterFact(RepositoryFolder() / "data/demo/counterfact.json"))
    EXPECT_TRUE(snippets.contains({record.relation, record.target_new_id}))
        << record.relation << " " << record.target_new_id;
}

}  // namespace
}  // namespace mambascope
