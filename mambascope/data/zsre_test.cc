#include "mambascope/data/zsre.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/json.h"
#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

const Json kRecord = Json::parse(
    R"({"subject": "Duna", "src": "Into which sea does Duna flow?", "pred": "?", "rephrase": "Where is Duna's mouth?",
    "answers": ["Black Sea", "Pontos"], "alt": "Red Sea", "loc": "nq question: who wrote hamlet", "loc_ans": "Shakespeare", "cond": "x"})");

class ZsreTest : public testing::Test {
 protected:
  std::vector<ZsreRecord> Read(const Json& document) const {
    WriteFile(folder_ / "zsre.json", document.dump());
    return ReadZsre(folder_ / "zsre.json");
  }
  // Returns the Error for a list in which the second record's `field` is `value`. If `value` is
  // null, the field is missing.
  std::string ErrorWith(const std::string& field, const Json& value) const {
    Json record = kRecord;
    if (value.is_null()) record.erase(field);
    else record[field] = value;
    return ErrorOf([&] { Read(Json::array({kRecord, record})); });
  }

  TempFolder folder_;
};

TEST_F(ZsreTest, RecordHoldsWhatTheFileSays) {
  const std::vector<ZsreRecord> records = Read(Json::array({kRecord, kRecord}));
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_EQ(records[0].pattern, "Into which sea does {} flow?");
  EXPECT_EQ(records[0].subject, "Duna");
  EXPECT_EQ(records[0].rephrase, "Where is Duna's mouth?");
  EXPECT_THAT(records[0].answers, ElementsAre("Black Sea", "Pontos"));
  EXPECT_EQ(records[0].alt, "Red Sea");
  EXPECT_EQ(records[0].loc, "nq question: who wrote hamlet");
  EXPECT_EQ(records[0].loc_ans, "Shakespeare");
}

TEST_F(ZsreTest, AltMayBeLeftOutAndASubjectMayStandTwice) {
  Json record = kRecord;
  record.erase("alt");
  record["src"] = "Does Duna, the river Duna, end in a sea?";
  const ZsreRecord read = Read(Json::array({record})).at(0);
  EXPECT_EQ(read.alt, "");
  EXPECT_EQ(read.pattern, "Does Duna, the river {}, end in a sea?");
}

TEST_F(ZsreTest, BadFilesAreRefusedByFileRecordAndField) {
  for (const char* field : {"subject", "src", "rephrase", "loc", "loc_ans"}) {
    const std::string where = std::string("record 1: field '") + field;
    EXPECT_THAT(ErrorWith(field, nullptr),
                AllOf(HasSubstr("zsre.json"), HasSubstr("record 1: "), HasSubstr(field)));
    EXPECT_THAT(ErrorWith(field, ""),
                AllOf(HasSubstr("zsre.json"), HasSubstr(where), HasSubstr("is empty")));
    EXPECT_THAT(ErrorWith(field, 3), AllOf(HasSubstr("zsre.json"), HasSubstr(where)));
  }
  EXPECT_THAT(ErrorWith("answers", nullptr), AllOf(HasSubstr("zsre.json"), HasSubstr("answers")));
  EXPECT_THAT(ErrorWith("answers", Json::array()),
              HasSubstr("record 1: field 'answers' is an empty list"));
  EXPECT_THAT(ErrorWith("answers", Json::array({""})), HasSubstr("record 1: answers[0] is empty"));
  EXPECT_THAT(ErrorWith("answers", "Black Sea"), HasSubstr("record 1: field 'answers'"));
  EXPECT_THAT(
      ErrorWith("subject", "Volga"),
      HasSubstr("record 1: field 'subject' is 'Volga', which is not in the question 'Into which "
                "sea does Duna flow?'"));
  EXPECT_THAT(ErrorWith("alt", 7), HasSubstr("record 1: field 'alt'"));
  EXPECT_THAT(ErrorOf([&] { Read(Json::array()); }), HasSubstr("holds no records"));
  EXPECT_THAT(ErrorOf([&] { Read(Json::object()); }), HasSubstr("zsre.json"));
  EXPECT_THAT(ErrorOf([&] { ReadZsre(folder_ / "none.json"); }), HasSubstr("none.json"));
}

TEST_F(ZsreTest, EmptyAltIsLeftOutAndCounted) {
  Json without = kRecord, alias = kRecord;
  without["alt"] = "";
  alias["subject"] = "Ister";
  WriteFile(folder_ / "zsre.json", Json::array({kRecord, without, alias, kRecord}).dump());
  ReadFaults faults;
  EXPECT_THAT(ReadZsre(folder_ / "zsre.json", &faults), SizeIs(2));
  EXPECT_EQ(faults.records, 4);
  EXPECT_THAT(faults.left_out, ElementsAre(HasSubstr("record 1: field 'alt' is empty"),
                                           HasSubstr("record 2: field 'subject' is 'Ister'")));
}

TEST_F(ZsreTest, CounterFactIsRefusedByName) {
  const Json record = {{"prompt", "{} is"}, {"subject", "x"}, {"target_new", "y"}};
  EXPECT_THAT(ErrorOf([&] { Read(Json::array({record})); }),
              HasSubstr("looks like EasyEdit or KnowEdit: use --counterfact"));
}

}  // namespace
}  // namespace mambascope
