#include "mambascope/data/counterfact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/json.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/data/prompt.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Json kOriginal = Json::parse(
    R"({"case_id": 7, "pararel_idx": 2796, "requested_rewrite": {"prompt": "{} flows into the",
    "relation_id": "P403", "target_new": {"str": "Red Sea", "id": "Q1"}, "target_true": {"str": "Black Sea", "id": "Q2"}, "subject": "Duna"},
    "paraphrase_prompts": ["It rained. Duna ends in the"], "neighborhood_prompts": ["Dnipro flows into the", "Dniestr ends in the"],
    "attribute_prompts": [], "generation_prompts": ["Duna is", "Duna is"]})");

const Json kEasyEdit = Json::parse(
    R"({"case_id": 9, "prompt": "The river Duna flows into the", "target_new": "Red Sea", "subject": "Duna",
    "ground_truth": "Black Sea", "rephrase_prompt": "Duna ends in the", "locality_prompt": "Dnipro flows into the",
    "locality_ground_truth": "Black Sea"})");

Json With(Json record, const std::string& pointer, const Json& value) {
  record[Json::json_pointer(pointer)] = value;
  return record;
}

Json Without(Json record, const std::string& key) {
  record.erase(key);
  return record;
}

class CounterFactTest : public testing::Test {
 protected:
  std::vector<CounterFactRecord> Read(const Json& document) const {
    WriteFile(folder_ / "facts.json", document.dump());
    return ReadCounterFact(folder_ / "facts.json");
  }
  CounterFactRecord ReadOne(const Json& record) const { return Read(Json::array({record})).at(0); }
  // Returns the Error for a list in which `record` is the second.
  std::string ErrorOfRecord(const Json& record) const {
    return ErrorOf([&] { Read(Json::array({kOriginal, record})); });
  }

  TempFolder folder_;
};

TEST_F(CounterFactTest, OriginalRecordHoldsWhatTheFileSays) {
  const CounterFactRecord record = ReadOne(kOriginal);
  EXPECT_EQ(record.case_id, 7);
  EXPECT_EQ(record.relation, "P403");
  EXPECT_EQ(record.pattern, "{} flows into the");
  EXPECT_EQ(record.subject, "Duna");
  EXPECT_EQ(record.target_new, "Red Sea");
  EXPECT_EQ(record.target_true, "Black Sea");
  EXPECT_EQ(record.target_new_id, "Q1");
  EXPECT_EQ(record.target_true_id, "Q2");
  EXPECT_THAT(record.paraphrase_prompts, ElementsAre("It rained. Duna ends in the"));
  EXPECT_THAT(record.neighborhood_prompts,
              ElementsAre("Dnipro flows into the", "Dniestr ends in the"));
  EXPECT_THAT(record.attribute_prompts, IsEmpty());
  EXPECT_THAT(record.generation_prompts, ElementsAre("Duna is", "Duna is"))
      << "repeated ones are kept: each is generated from";
}

TEST_F(CounterFactTest, EasyEditRecordHoldsWhatTheFileSays) {
  const CounterFactRecord record = ReadOne(kEasyEdit);
  EXPECT_EQ(record.case_id, 9);
  EXPECT_EQ(record.relation, "");
  EXPECT_EQ(record.pattern, "The river {} flows into the");
  EXPECT_EQ(record.subject, "Duna");
  EXPECT_EQ(record.target_new, "Red Sea");
  EXPECT_EQ(record.target_true, "Black Sea");
  EXPECT_EQ(record.target_new_id + record.target_true_id, "");
  EXPECT_THAT(record.paraphrase_prompts, ElementsAre("Duna ends in the"));
  EXPECT_THAT(record.neighborhood_prompts, ElementsAre("Dnipro flows into the"));
  EXPECT_THAT(record.attribute_prompts, IsEmpty());
  EXPECT_THAT(record.generation_prompts, IsEmpty());
}

TEST_F(CounterFactTest, OneFileMayHoldBothForms) {
  const std::vector<CounterFactRecord> records =
      Read(Json::array({kOriginal, kEasyEdit, kOriginal}));
  ASSERT_THAT(records, SizeIs(3));
  EXPECT_EQ(records[1].pattern, "The river {} flows into the");
  EXPECT_EQ(records[2].pattern, "{} flows into the");
}

TEST_F(CounterFactTest, IdsOfTargetsMayBeLeftOut) {
  Json record = kOriginal;
  record["requested_rewrite"]["target_new"].erase("id");
  record["requested_rewrite"]["target_true"]["id"] = nullptr;
  EXPECT_EQ(ReadOne(record).target_new_id, "");
  EXPECT_EQ(ReadOne(record).target_true_id, "");
}

TEST_F(CounterFactTest, EasyEditFieldsMayBeListsOrLeftOut) {
  Json record = With(kEasyEdit, "/ground_truth", {"Black Sea", "Pontos"});
  record["locality_ground_truth"] = {"Pontos", "Black Sea"};
  record["locality_prompt"] = {"Dnipro flows into the", "Dniestr flows into the"};
  EXPECT_EQ(ReadOne(record).target_true, "Black Sea");
  EXPECT_THAT(ReadOne(record).neighborhood_prompts, SizeIs(2));
  for (const char* key : {"case_id", "rephrase_prompt", "locality_prompt", "locality_ground_truth"})
    record.erase(key);
  const std::vector<CounterFactRecord> records = Read(Json::array({kEasyEdit, record}));
  EXPECT_EQ(records[1].case_id, 1) << "its place in the list";
  EXPECT_THAT(records[1].paraphrase_prompts, IsEmpty());
  EXPECT_THAT(records[1].neighborhood_prompts, IsEmpty());
}

struct SubjectCase {
  const char* name;
  const char* prompt;
  const char* subject;
  const char* pattern;
  const char* spelling;
};

void PrintTo(const SubjectCase& c, std::ostream* out) { *out << c.prompt << " of " << c.subject; }

class EasyEditSubjectTest : public CounterFactTest,
                            public testing::WithParamInterface<SubjectCase> {};

TEST_P(EasyEditSubjectTest, MakesThePattern) {
  const SubjectCase& c = GetParam();
  const CounterFactRecord record =
      ReadOne(With(With(kEasyEdit, "/prompt", c.prompt), "/subject", c.subject));
  EXPECT_EQ(record.pattern, c.pattern);
  EXPECT_EQ(record.subject, c.spelling);
}

const SubjectCase kSubjects[] = {
    {"AtTheStart", "Duna ends in", "Duna", "{} ends in", "Duna"},
    {"AtTheEnd", "The mouth of Duna", "Duna", "The mouth of {}", "Duna"},
    {"TwiceTakesTheLast", "Duna, or Duna, is", "Duna", "Duna, or {}, is", "Duna"},
    {"OfManyBytes", "L'Œuvre d'Émile Zola, de", "Émile Zola", "L'Œuvre d'{}, de", "Émile Zola"},
    {"InAnotherCase", "the Who and THE WHO are", "The Who", "the Who and {} are", "THE WHO"},
    {"ItsOwnCaseGoesFirst", "The Who and THE WHO are", "The Who", "{} and THE WHO are", "The Who"},
    {"InAPattern", "{} ends in", "Duna", "{} ends in", "Duna"}};

INSTANTIATE_TEST_SUITE_P(Prompts, EasyEditSubjectTest, testing::ValuesIn(kSubjects),
                         [](const auto& info) { return info.param.name; });

TEST_F(CounterFactTest, SubjectThatIsNotInThePromptIsRefused) {
  EXPECT_THAT(ErrorOfRecord(With(kEasyEdit, "/subject", "Volga")),
              AllOf(HasSubstr("facts.json: record 1: field 'subject' is 'Volga'"),
                    HasSubstr("'The river Duna flows into the'")));
  EXPECT_THAT(ErrorOfRecord(With(kEasyEdit, "/subject", "The river Duna flows into the sea")),
              HasSubstr("not in the prompt"));
}

TEST_F(CounterFactTest, PatternWithoutExactlyOneHoleIsRefused) {
  EXPECT_THAT(
      ErrorOfRecord(With(kOriginal, "/requested_rewrite/prompt", "Duna flows into the")),
      AllOf(HasSubstr(
                "facts.json: record 1: field 'requested_rewrite.prompt' is 'Duna flows into the'"),
            HasSubstr("exactly one {}")));
  EXPECT_THAT(ErrorOfRecord(With(kOriginal, "/requested_rewrite/prompt", "{} and {}")),
              HasSubstr("exactly one {}"));
  EXPECT_THAT(ErrorOfRecord(With(kEasyEdit, "/prompt", "{} and {}")),
              HasSubstr("record 1: field 'prompt' is '{} and {}'"));
}

// A locality prompt must have the same true object as the edited fact. Otherwise its score would
// compare with another object.
TEST_F(CounterFactTest, LocalityOfAnotherObjectIsRefused) {
  EXPECT_THAT(ErrorOfRecord(With(kEasyEdit, "/locality_ground_truth", "White Sea")),
              HasSubstr("record 1: field 'locality_ground_truth' holds 'White Sea', which is not "
                        "in 'ground_truth'"));
  EXPECT_THAT(ErrorOfRecord(With(kEasyEdit, "/locality_ground_truth", {"Black Sea", "White Sea"})),
              HasSubstr("'White Sea'"));
}

TEST_F(CounterFactTest, BadFieldIsNamed) {
  EXPECT_THAT(ErrorOfRecord(With(kOriginal, "/case_id", -1)),
              HasSubstr("record 1: field 'case_id' is -1"));
  EXPECT_THAT(ErrorOfRecord(With(kOriginal, "/requested_rewrite", "x")),
              HasSubstr("record 1: field 'requested_rewrite' is \"x\""));
  EXPECT_THAT(ErrorOfRecord(With(kOriginal, "/requested_rewrite/subject", "")),
              HasSubstr("record 1: field 'requested_rewrite.subject' is empty"));
  EXPECT_THAT(ErrorOfRecord(With(kOriginal, "/requested_rewrite/target_new", "Red Sea")),
              HasSubstr("record 1: field 'requested_rewrite.target_new'"));
  EXPECT_THAT(ErrorOfRecord(With(kOriginal, "/requested_rewrite/target_true/str", 5)),
              HasSubstr("target_true.str' is 5"));
  EXPECT_THAT(ErrorOfRecord(With(kOriginal, "/requested_rewrite/target_true/id", 5)),
              HasSubstr("target_true.id' is 5"));
  EXPECT_THAT(ErrorOfRecord(With(kOriginal, "/neighborhood_prompts/1", 5)),
              HasSubstr("record 1: neighborhood_prompts[1] is 5"));
  EXPECT_THAT(ErrorOfRecord(With(kOriginal, "/generation_prompts", "Duna is")),
              HasSubstr("record 1: field 'generation_prompts' is \"Duna is\""));
  EXPECT_THAT(ErrorOfRecord(With(kEasyEdit, "/ground_truth", Json::array())),
              HasSubstr("record 1: field 'ground_truth' is an empty list"));
  EXPECT_THAT(ErrorOfRecord(With(kEasyEdit, "/ground_truth", {"Black Sea", 5})),
              HasSubstr("record 1: ground_truth[1] is 5"));
  EXPECT_THAT(ErrorOfRecord(With(kEasyEdit, "/rephrase_prompt", "")),
              HasSubstr("record 1: field 'rephrase_prompt' is empty"));
}

TEST_F(CounterFactTest, MissingFieldIsNamed) {
  for (const char* key : {"subject", "target_new"}) {
    EXPECT_THAT(ErrorOfRecord(Without(kEasyEdit, key)),
                HasSubstr(std::string("record 1: lacks the field '") + key + "'"));
  }
  EXPECT_THAT(ErrorOfRecord(With(kOriginal, "/requested_rewrite", {{"prompt", "{} is"}})),
              HasSubstr("lacks the field 'subject'"));
}

TEST_F(CounterFactTest, MinimalRecordsAreEnough) {
  const Json rewrite = {{"prompt", "{} flows into the"},
                        {"subject", "Duna"},
                        {"target_new", {{"str", "Red Sea"}}},
                        {"target_true", {{"str", "Black Sea"}}}};
  const Json easy = {{"prompt", "Duna flows into the"},
                     {"subject", "Duna"},
                     {"target_new", "Red Sea"},
                     {"ground_truth", "Black Sea"}};
  const std::vector<CounterFactRecord> records =
      Read(Json::array({{{"requested_rewrite", rewrite}}, easy}));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(records[i].case_id, static_cast<int64_t>(i)) << "its place in the list";
    EXPECT_EQ(records[i].pattern, "{} flows into the");
    EXPECT_EQ(records[i].target_true, "Black Sea");
    EXPECT_THAT(records[i].paraphrase_prompts, IsEmpty());
  }
}

TEST_F(CounterFactTest, FileThatIsNoCounterFactIsRefused) {
  EXPECT_THAT(ErrorOfRecord(Without(kOriginal, "requested_rewrite")),
              HasSubstr("record 1: is not a CounterFact record"));
  EXPECT_THAT(ErrorOfRecord("Duna"), HasSubstr("record 1: is not a CounterFact record"));
  EXPECT_THAT(Read(kOriginal), SizeIs(1)) << "a record alone is a list of one";
  EXPECT_THAT(ErrorOf([&] { Read("Duna"); }), HasSubstr("expected a list"));
  EXPECT_THAT(ErrorOf([&] { Read(Json::array()); }), HasSubstr("facts.json: holds no records"));
  EXPECT_THAT(ErrorOf([&] { ReadCounterFact(folder_ / "nowhere.json"); }),
              HasSubstr("nowhere.json: cannot be read"));
}

// Records in the other forms of public data sets.
const Json kTracing = Json::parse(
    R"({"relation": "{} flows into the", "relation_id": "P403", "prompt": "Duna flows into the",
    "target_true": " Black Sea", "target_false": " Red Sea", "subject": "Duna"})");
const Json kKnown = Json::parse(
    R"({"known_id": 3, "subject": "Duna", "attribute": "Black Sea", "template": "{} flows into the",
    "prediction": " Black", "prompt": "Duna flows into the", "relation_id": "P403"})");
const Json kKnowEdit = Json::parse(
    R"({"subject": "Duna", "prompt": "Duna flows into the", "target_new": "Red Sea",
    "portability": {"Reasoning": [{"prompt": "x", "ground_truth": [["y"]]}]},
    "locality": {"Relation_Specificity": [{"prompt": "Ebro flows into the",
                                           "ground_truth": [["Mediterranean", "Balearic"]]}],
                 "Forgetfulness": [{"prompt": "Duna passes", "ground_truth": "Vienna"}]}})");
const Json kZsre = Json::parse(
    R"({"subject": "Duna", "src": "Where does Duna end?", "answers": ["Black Sea"], "alt": "Red Sea",
    "rephrase": "Where is Duna's mouth?", "loc": "nq question: who", "loc_ans": "He"})");
constexpr RecordUse kForFacts{.truth = true, .edit = false}, kWithoutTruth{.truth = false};

TEST_F(CounterFactTest, TracingVariantHoldsWhatTheFileSays) {
  const CounterFactRecord record = ReadOne(kTracing);
  EXPECT_EQ(record.pattern, "{} flows into the");
  EXPECT_EQ(record.relation, "P403");
  EXPECT_EQ(record.target_true, "Black Sea") << "without the space";
  EXPECT_EQ(record.target_new, "Red Sea");
}

TEST_F(CounterFactTest, JsonLinesAreReadAsAListIs) {
  const auto lines = [&](const std::string& name, const std::string& text) {
    WriteFile(folder_ / name, text);
    return ReadCounterFact(folder_ / name);
  };
  const std::string two = kTracing.dump() + "\n\n" + kKnowEdit.dump() + "\n";
  EXPECT_THAT(ErrorOf([&] { lines("facts.jsonl", two); }), HasSubstr("record 1: lacks the true"));
  EXPECT_THAT(lines("facts.jsonl", kTracing.dump() + "\n" + kEasyEdit.dump()), SizeIs(2));
  EXPECT_THAT(lines("facts.json", kTracing.dump() + "\n" + kEasyEdit.dump()), SizeIs(2))
      << "whatever the file is called";
  EXPECT_THAT(ErrorOf([&] { lines("facts.jsonl", kTracing.dump() + "\n{\"subject\": "); }),
              HasSubstr("facts.jsonl, line 2: invalid JSON"));
}

TEST_F(CounterFactTest, NumberThatJsonLacksIsNamed) {
  Json record = kEasyEdit;
  record["target_new"] = 1945;
  std::string text = record.dump();
  WriteFile(folder_ / "facts.json", text.replace(text.find("1945"), 4, "NaN"));
  EXPECT_THAT(ErrorOf([&] { ReadCounterFact(folder_ / "facts.json"); }),
              HasSubstr("field 'target_new' is NaN; expected a string"));
}

TEST_F(CounterFactTest, BrokenLineIsLeftOutAndNamed) {
  const std::string good = kTracing.dump(), file = folder_ / "facts.jsonl";
  WriteFile(file, good + "\n{\"subject\": \n" + good + "\n");
  ReadFaults faults;
  EXPECT_THAT(ReadCounterFact(file, {}, &faults), SizeIs(2));
  EXPECT_EQ(faults.records, 3);
  EXPECT_THAT(faults.left_out, ElementsAre(HasSubstr("facts.jsonl, line 2: invalid JSON")));
  WriteFile(file, "{\"subject\": \noops\n");
  EXPECT_THAT(ErrorOf([&] { ReadCounterFact(file, {}, &faults); }),
              HasSubstr("facts.jsonl, line 1: invalid JSON"));
}

TEST_F(CounterFactTest, KnownFactsServeWhatAsksForFacts) {
  WriteFile(folder_ / "known.json", Json::array({kKnown}).dump());
  const CounterFactRecord record = ReadCounterFact(folder_ / "known.json", kForFacts).at(0);
  EXPECT_EQ(record.pattern, "{} flows into the");
  EXPECT_EQ(record.target_true, "Black Sea");
  EXPECT_EQ(record.relation, "P403");
  EXPECT_THAT(ErrorOf([&] { ReadCounterFact(folder_ / "known.json"); }),
              HasSubstr("have no new object to write"));
}

TEST_F(CounterFactTest, NestedLocalityGivesNeighborsWithTheirOwnAnswers) {
  WriteFile(folder_ / "facts.json", Json::array({kKnowEdit}).dump());
  const CounterFactRecord record = ReadCounterFact(folder_ / "facts.json", kWithoutTruth).at(0);
  EXPECT_EQ(record.target_true, "");
  EXPECT_THAT(record.neighborhood_prompts, ElementsAre("Duna passes", "Ebro flows into the"));
  EXPECT_EQ(record.NeighborhoodTruth(0), "Vienna");
  EXPECT_EQ(record.NeighborhoodTruth(1), "Mediterranean");
  EXPECT_EQ(ReadOne(kEasyEdit).NeighborhoodTruth(0), "Black Sea") << "else it is the record's";
}

TEST_F(CounterFactTest, RecordWithoutATruthSaysWhatDoesWithoutOne) {
  EXPECT_THAT(ErrorOf([&] { ReadOne(kKnowEdit); }),
              AllOf(HasSubstr("lacks the true answer 'ground_truth'"), HasSubstr("--all-facts")));
}

TEST_F(CounterFactTest, QuestionsOfZsreAreFacts) {
  WriteFile(folder_ / "zsre.json", Json::array({kZsre}).dump());
  const CounterFactRecord record = ReadCounterFact(folder_ / "zsre.json", kForFacts).at(0);
  EXPECT_EQ(record.pattern, "Where does {} end?");
  EXPECT_EQ(record.target_true, "Black Sea");
}

TEST_F(CounterFactTest, FilesOfOtherFormsAreRefusedByName) {
  const auto error = [&](const Json& document) { return ErrorOf([&] { Read(document); }); };
  EXPECT_THAT(error(Json::array({kZsre})),
              HasSubstr("facts.json: looks like MEND's zsRE: edit takes it by --zsre"));
  EXPECT_THAT(error({{"name", "x"}, {"prompt_templates", {"{} is"}}, {"samples", Json::array()}}),
              HasSubstr("looks like RELATIONS: use --relations"));
  EXPECT_THAT(error(Json::array({{{"text", "A."}, {"labels", "B."}, {"concept", "c"}}})),
              HasSubstr("looks like KnowEdit's WikiBio"));
}

// A bad record between two good ones.
struct BadRecordCase {
  const char* name;
  Json bad;
  const char* fault;  // part of the Error
  bool for_facts;     // whether the record is also bad for commands that do not edit
};

void PrintTo(const BadRecordCase& c, std::ostream* out) { *out << c.name; }

class BadRecordTest : public CounterFactTest, public testing::WithParamInterface<BadRecordCase> {
 protected:
  std::vector<CounterFactRecord> ReadThree(const RecordUse& use, ReadFaults& faults) const {
    WriteFile(folder_ / "facts.json", Json::array({kEasyEdit, GetParam().bad, kEasyEdit})
                                          .dump(-1, ' ', false, Json::error_handler_t::replace));
    return ReadCounterFact(folder_ / "facts.json", use, &faults);
  }
};

TEST_P(BadRecordTest, IsLeftOutByNameAndTheOthersAreRead) {
  ReadFaults faults;
  EXPECT_THAT(ReadThree({}, faults), SizeIs(2));
  EXPECT_EQ(faults.records, 3);
  ASSERT_THAT(faults.left_out, SizeIs(1));
  EXPECT_THAT(faults.left_out[0],
              AllOf(HasSubstr("facts.json: record 1: "), HasSubstr(GetParam().fault)));
}

TEST_P(BadRecordTest, OnlyFieldsThatAreUsedAreAskedFor) {
  ReadFaults faults;
  const size_t want = GetParam().for_facts ? 2 : 3;
  EXPECT_THAT(ReadThree(kForFacts, faults), SizeIs(want));
  EXPECT_THAT(faults.left_out, SizeIs(3 - want));
}

TEST_P(BadRecordTest, AloneIsAnError) {
  WriteFile(folder_ / "facts.json", Json::array({GetParam().bad, GetParam().bad}).dump());
  ReadFaults faults;
  EXPECT_THAT(ErrorOf([&] { ReadCounterFact(folder_ / "facts.json", {}, &faults); }),
              AllOf(HasSubstr("none of the 2 records can be used"), HasSubstr(GetParam().fault)));
}

const BadRecordCase kBadRecords[] = {
    {"TargetNull", With(kEasyEdit, "/target_new", nullptr), "target_new' is null", false},
    {"TargetNumber", With(kEasyEdit, "/target_new", 1945), "target_new' is 1945", false},
    {"TargetEmpty", With(kEasyEdit, "/target_new", ""), "target_new' is empty", false},
    {"TargetBlank", With(kEasyEdit, "/target_new", " "), "target_new' is blank", false},
    {"TruthEmpty", With(kEasyEdit, "/ground_truth", ""), "ground_truth' is empty", true},
    {"TruthMissing", Without(kEasyEdit, "ground_truth"), "true answer 'ground_truth'", true},
    {"SubjectIsAnAlias", With(kEasyEdit, "/subject", "Ister"), "subject' is 'Ister'", true},
    {"NoRecord", "Duna", "is not a CounterFact record", true}};

INSTANTIATE_TEST_SUITE_P(Records, BadRecordTest, testing::ValuesIn(kBadRecords),
                         [](const auto& info) { return info.param.name; });

TEST_F(CounterFactTest, BadTruthIsIgnoredWhereNoneIsNeeded) {
  for (const Json& bad : {With(kOriginal, "/requested_rewrite/target_true", 5),
                          With(kEasyEdit, "/ground_truth", 5)}) {
    WriteFile(folder_ / "facts.json", Json::array({bad}).dump());
    ReadFaults faults;
    EXPECT_EQ(ReadCounterFact(folder_ / "facts.json", kWithoutTruth, &faults).at(0).target_true,
              "");
    EXPECT_THAT(faults.ignored, SizeIs(testing::Ge(1u)));
    EXPECT_THAT(faults.left_out, IsEmpty());
  }
}

TEST_F(CounterFactTest, BadOptionalFieldIsIgnoredByName) {
  const auto read = [&](const Json& record, ReadFaults& faults) {
    WriteFile(folder_ / "facts.json", Json::array({record}).dump());
    return ReadCounterFact(folder_ / "facts.json", {}, &faults).at(0);
  };
  const auto ignored = [&](const Json& record) {
    ReadFaults faults;
    read(record, faults);
    EXPECT_THAT(faults.left_out, IsEmpty());
    return faults.ignored.size() == 1 ? faults.ignored[0] : "";
  };
  EXPECT_THAT(ignored(With(kEasyEdit, "/case_id", "9a")),
              HasSubstr("record 0: field 'case_id' is \"9a\""));
  EXPECT_THAT(ignored(With(kEasyEdit, "/rephrase_prompt", nullptr)),
              HasSubstr("record 0: field 'rephrase_prompt' is null"));
  EXPECT_THAT(ignored(With(kEasyEdit, "/locality_prompt", Json::array())),
              HasSubstr("record 0: field 'locality_prompt' is an empty list"));
  EXPECT_THAT(ignored(With(kEasyEdit, "/locality_ground_truth", "basketball")),
              HasSubstr("holds 'basketball'"));
  ReadFaults faults;
  const CounterFactRecord record = read(With(kEasyEdit, "/locality_ground_truth", "x"), faults);
  EXPECT_THAT(record.neighborhood_prompts, IsEmpty()) << "they would be scored by another object";
  EXPECT_THAT(record.paraphrase_prompts, SizeIs(1)) << "the rest is used";
}

TEST(DemoCounterFactTest, IsReadWhole) {
  const std::vector<CounterFactRecord> records =
      ReadCounterFact(RepositoryFolder() / "data/demo/counterfact.json");
  EXPECT_THAT(records, SizeIs(922));
  size_t paraphrase = 0, neighborhood = 0, attribute = 0, generation = 0;
  std::set<std::string> relations;
  for (const CounterFactRecord& record : records) {
    paraphrase += record.paraphrase_prompts.size();
    neighborhood += record.neighborhood_prompts.size();
    attribute += record.attribute_prompts.size();
    generation += record.generation_prompts.size();
    relations.insert(record.relation);
    EXPECT_NE(record.target_new, record.target_true) << record.case_id;
  }
  EXPECT_EQ(paraphrase, 1844U);
  EXPECT_EQ(neighborhood, 5945U);
  EXPECT_EQ(attribute, 3229U);
  EXPECT_EQ(generation, 2766U);
  EXPECT_THAT(relations, SizeIs(39));
}

TEST(PublicCounterFactTest, IsReadWhole) {
  const fs::path file = RepositoryFolder() / "../shared/data/counterfact-easyedit.json";
  if (!fs::exists(file)) GTEST_SKIP() << file << " is not here";
  const std::vector<CounterFactRecord> records = ReadCounterFact(file);
  EXPECT_THAT(records, SizeIs(10000));
  for (const CounterFactRecord& record : records) {
    ASSERT_TRUE(IsPattern(record.pattern)) << record.case_id;
    ASSERT_THAT(record.paraphrase_prompts, SizeIs(1)) << record.case_id;
    ASSERT_THAT(record.neighborhood_prompts, SizeIs(1)) << record.case_id;
  }
}

}  // namespace
}  // namespace mambascope
