#include "mambascope/data/relation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/json.h"
#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Json kCapitals = Json::parse(
    R"({"name": "capital", "prompt_templates": ["{} has the capital", "The capital of {} is"],
    "prompt_templates_zs": ["Name the capital of {}:"],
    "properties": {"relation_type": "factual", "domain_name": "country", "range_name": "city", "symmetric": true},
    "samples": [{"subject": "Norway", "object": "Oslo"}, {"subject": "Côte d'Ivoire", "object": "Yamoussoukro"}]})");

class RelationTest : public testing::Test {
 protected:
  fs::path Write(const Json& document, const std::string& name = "capital.json") const {
    fs::create_directories((folder_ / name).parent_path());
    WriteFile(folder_ / name, document.dump());
    return folder_ / name;
  }
  // Returns the Error for the capitals with the value at `pointer` replaced or added.
  std::string ErrorWith(const std::string& pointer, const Json& value) const {
    Json changed = kCapitals;
    changed[Json::json_pointer(pointer)] = value;
    const fs::path file = Write(changed);
    return ErrorOf([&] { ReadRelation(file); });
  }

  TempFolder folder_;
};

TEST_F(RelationTest, HoldsWhatTheFileSays) {
  const Relation relation = ReadRelation(Write(kCapitals));
  EXPECT_EQ(relation.name, "capital");
  EXPECT_THAT(relation.prompt_templates, ElementsAre("{} has the capital", "The capital of {} is"));
  EXPECT_THAT(relation.prompt_templates_zs, ElementsAre("Name the capital of {}:"));
  EXPECT_EQ(relation.properties.relation_type, "factual");
  EXPECT_EQ(relation.properties.domain_name, "country");
  EXPECT_EQ(relation.properties.range_name, "city");
  EXPECT_TRUE(relation.properties.symmetric);
  EXPECT_THAT(relation.samples,
              ElementsAre(Sample{"Norway", "Oslo"}, Sample{"Côte d'Ivoire", "Yamoussoukro"}));
}

TEST_F(RelationTest, OptionalFieldsMayBeLeftOut) {
  Json document = kCapitals;
  document.erase("prompt_templates_zs");
  document["properties"].erase("symmetric");
  document["domain"] = {"Norway"};
  document["range"] = {"Oslo"};
  document["properties"]["fn_type"] = "ONE_TO_ONE";
  const Relation relation = ReadRelation(Write(document));
  EXPECT_THAT(relation.prompt_templates_zs, IsEmpty());
  EXPECT_FALSE(relation.properties.symmetric);
}

TEST_F(RelationTest, SamplesAreThoseOfTheFile) {
  Json document = kCapitals;
  document["samples"] = Json::parse(
      R"([{"subject": "b", "object": "2"}, {"subject": "a", "object": "1"}, {"subject": "b", "object": "2"},
      {"subject": "b", "object": "1"}, {"subject": "a", "object": "1"}, {"subject": "a ", "object": "1"}])");
  const Relation relation = ReadRelation(Write(document));
  EXPECT_THAT(relation.samples, ElementsAre(Sample{"b", "2"}, Sample{"a", "1"}, Sample{"b", "2"},
                                            Sample{"b", "1"}, Sample{"a", "1"}, Sample{"a ", "1"}));
  EXPECT_THAT(RelationRange(relation), ElementsAre("2", "1"));
}

// The public data has two objects in which the backslash of an escape is escaped itself.
TEST_F(RelationTest, TextIsVerbatim) {
  Json document = kCapitals;
  document["samples"] = Json::parse(
      R"([{"subject": " São {}", "object": "S\\u00e3o"}, {"subject": "東京", "object": "\uD83D\uDDFC\t"}])");
  EXPECT_THAT(ReadRelation(Write(document)).samples,
              ElementsAre(Sample{" São {}", R"(S\u00e3o)"}, Sample{"東京", "🗼\t"}));
}

TEST_F(RelationTest, BadFieldIsNamed) {
  EXPECT_THAT(ErrorWith("/name", 3),
              AllOf(HasSubstr("capital.json: field 'name' is 3"), HasSubstr("expected a string")));
  EXPECT_THAT(ErrorWith("/name", ""), HasSubstr("field 'name' is empty"));
  EXPECT_THAT(ErrorWith("/prompt_templates", 3),
              HasSubstr("field 'prompt_templates' is 3; expected a list"));
  EXPECT_THAT(ErrorWith("/prompt_templates", Json::array()),
              HasSubstr("field 'prompt_templates' is an empty list"));
  EXPECT_THAT(ErrorWith("/properties", Json::array()),
              HasSubstr("field 'properties' is not an object"));
  EXPECT_THAT(ErrorWith("/properties/range_name", false),
              HasSubstr("field 'properties.range_name' is false"));
  EXPECT_THAT(ErrorWith("/properties/symmetric", "no"),
              HasSubstr("field 'properties.symmetric' is \"no\"; expected true or false"));
  EXPECT_THAT(ErrorWith("/samples", Json::object()),
              HasSubstr("field 'samples' is {}; expected a list"));
  EXPECT_THAT(ErrorWith("/samples", Json::array()), HasSubstr("field 'samples' is an empty list"));
  EXPECT_THAT(ErrorWith("/samples/1", "Norway"),
              HasSubstr("samples[1] is \"Norway\"; expected an object"));
  EXPECT_THAT(ErrorWith("/samples/1/object", nullptr),
              HasSubstr("field 'samples[1].object' is null; expected a string"));
  EXPECT_THAT(ErrorWith("/samples/0/subject", ""),
              HasSubstr("field 'samples[0].subject' is empty"));
  EXPECT_THAT(ErrorWith("/prompt_template_zs", Json::array()),
              AllOf(HasSubstr("capital.json: has the unknown field 'prompt_template_zs'"),
                    HasSubstr("known fields: name, prompt_templates, ")));
}

TEST_F(RelationTest, MissingFieldIsNamed) {
  for (const char* key : {"name", "prompt_templates", "samples"}) {
    Json document = kCapitals;
    document.erase(key);
    const fs::path file = Write(document);
    EXPECT_THAT(ErrorOf([&] { ReadRelation(file); }),
                HasSubstr(std::string("capital.json: lacks the field '") + key + "'"));
  }
  EXPECT_THAT(ErrorWith("/samples/0", {{"subject", "Norway"}}),
              HasSubstr("samples[0] lacks the field 'object'"));
}

TEST_F(RelationTest, NameATemplateAndSamplesAreEnough) {
  const Relation relation =
      ReadRelation(Write({{"name", "capital"},
                          {"prompt_templates", "The capital of {} is"},
                          {"samples", {{{"subject", "Peru"}, {"object", "Lima"}}}}}));
  EXPECT_EQ(relation.prompt_templates, std::vector<std::string>{"The capital of {} is"});
  EXPECT_EQ(relation.properties.relation_type, "");
}

TEST_F(RelationTest, BadSampleIsLeftOutByName) {
  Json document = kCapitals;
  document["samples"].push_back({{"subject", "Nowhere"}, {"object", ""}});
  const size_t good = document["samples"].size() - 1;
  ReadFaults faults;
  EXPECT_THAT(ReadRelations({Write(document)}, &faults).at(0).samples, SizeIs(good));
  ASSERT_THAT(faults.left_out, SizeIs(1));
  EXPECT_THAT(faults.left_out[0], HasSubstr("capital.json: field 'samples[" + std::to_string(good) +
                                            "].object' is empty"));
}

TEST_F(RelationTest, BadOptionalFieldIsIgnoredByName) {
  Json document = kCapitals;
  document["properties"]["symmetric"] = "no";
  ReadFaults faults;
  EXPECT_THAT(ReadRelations({Write(document)}, &faults), SizeIs(1));
  EXPECT_THAT(faults.ignored, ElementsAre(HasSubstr("properties.symmetric' is \"no\"")));
}

TEST_F(RelationTest, FileOfAnotherFormIsRefusedByName) {
  const Json record = {{"prompt", "{} is"}, {"subject", "x"}, {"target_new", "y"}};
  EXPECT_THAT(ErrorOf([&] { ReadRelation(Write(Json::array({record}))); }),
              HasSubstr("capital.json: looks like EasyEdit or KnowEdit: use --counterfact"));
}

TEST_F(RelationTest, TemplateWithoutExactlyOneHoleIsRefused) {
  for (const char* text : {"The capital is", "{} and {}", "{0} is", "{"}) {
    EXPECT_THAT(ErrorWith("/prompt_templates/1", text),
                AllOf(HasSubstr("prompt_templates[1] is '" + std::string(text)),
                      HasSubstr("exactly one {}")));
    EXPECT_THAT(ErrorWith("/prompt_templates_zs/0", text), HasSubstr("prompt_templates_zs[0]"));
  }
}

TEST_F(RelationTest, FileThatIsNoRelationIsRefused) {
  EXPECT_THAT(ErrorOf([&] { ReadRelation(Write(Json::array())); }),
              HasSubstr("capital.json: is []; expected an object"));
  WriteFile(folder_ / "half.json", kCapitals.dump().substr(0, 90));
  EXPECT_THAT(ErrorOf([&] { ReadRelation(folder_ / "half.json"); }),
              HasSubstr("half.json: invalid JSON at byte"));
  WriteFile(folder_ / "latin1.json", "{\"name\": \"S\xe3o\"}");
  EXPECT_THAT(ErrorOf([&] { ReadRelation(folder_ / "latin1.json"); }),
              HasSubstr("latin1.json: invalid JSON at byte"));
}

// Returns the capitals with another name.
Json Named(const std::string& name) {
  Json document = kCapitals;
  document["name"] = name;
  return document;
}

std::vector<std::string> ListNames(const std::vector<Relation>& relations) {
  std::vector<std::string> names;
  for (const Relation& relation : relations) names.push_back(relation.name);
  return names;
}

TEST_F(RelationTest, FoldersAreReadInTheOrderOfTheirPaths) {
  for (const char* name :
       {"b/z.json", "b/a.json", "a.json", "b/deep/er/m.json", "c.json", "b-.json"})
    Write(Named(name), name);
  WriteFile(folder_ / "b/notes.txt", "not JSON");
  WriteFile(folder_ / "README", "not JSON");
  EXPECT_THAT(
      ListNames(ReadRelations({folder_.path()})),
      ElementsAre("a.json", "b/a.json", "b/deep/er/m.json", "b/z.json", "b-.json", "c.json"));
  EXPECT_THAT(ListNames(ReadRelations({folder_ / "c.json", folder_ / "b/deep"})),
              ElementsAre("c.json", "b/deep/er/m.json"))
      << "the paths are read as they come";
  EXPECT_THAT(ReadRelations({}), IsEmpty());
}

TEST_F(RelationTest, FileOfAnotherNameIsReadWhenItIsGiven) {
  EXPECT_THAT(ListNames(ReadRelations({Write(kCapitals, "capital.relation")})),
              ElementsAre("capital"));
}

TEST_F(RelationTest, FolderWithoutRelationsIsRefused) {
  fs::create_directories(folder_ / "empty/inside");
  WriteFile(folder_ / "empty/inside/notes.txt", "");
  EXPECT_THAT(ErrorOf([&] { ReadRelations({folder_ / "empty"}); }),
              HasSubstr("empty: the folder holds no .json file"));
  EXPECT_THAT(ErrorOf([&] { ReadRelations({folder_ / "nowhere"}); }),
              HasSubstr("nowhere: cannot be read: No such file"));
  EXPECT_THAT(ErrorOf([&] { ReadRelation(folder_.path()); }),
              HasSubstr("is a folder; expected a file"));
}

TEST_F(RelationTest, BadFileInAFolderIsNamed) {
  Write(kCapitals);
  Write({{"name", "x"}}, "deep/bad.json");
  EXPECT_THAT(ErrorOf([&] { ReadRelations({folder_.path()}); }),
              HasSubstr("deep/bad.json: lacks the field 'prompt_templates'"));
  fs::create_symlink("nowhere.json", folder_ / "deep/a.json");
  EXPECT_THAT(ErrorOf([&] { ReadRelations({folder_.path()}); }),
              HasSubstr("deep/a.json: cannot be read"));
}

int64_t CountSamples(const std::vector<Relation>& relations) {
  int64_t count = 0;
  for (const Relation& relation : relations) count += static_cast<int64_t>(relation.samples.size());
  return count;
}

TEST(DemoRelationsTest, AreReadWhole) {
  const std::vector<Relation> relations =
      ReadRelations({RepositoryFolder() / "data/demo/relations"});
  EXPECT_THAT(relations, SizeIs(47));
  EXPECT_EQ(CountSamples(relations), 6236);
  EXPECT_EQ(relations.front().name, "airport_city");
  for (const Relation& relation : relations) {
    EXPECT_THAT(relation.prompt_templates_zs, Not(IsEmpty())) << relation.name;
    EXPECT_LE(RelationRange(relation).size(), relation.samples.size()) << relation.name;
  }
}

TEST(PublicRelationsTest, AreReadWhole) {
  const fs::path folder = RepositoryFolder() / "../shared/data/relations";
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is not here";
  const std::vector<Relation> relations = ReadRelations({folder});
  EXPECT_THAT(relations, SizeIs(47));
  EXPECT_EQ(CountSamples(relations), 11089);
  EXPECT_EQ(relations.front().properties.relation_type, "bias") << "the folders are in order";
  EXPECT_THAT(ReadRelations({folder / "factual"}), SizeIs(26));
}

}  // namespace
}  // namespace mambascope
