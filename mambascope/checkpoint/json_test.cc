// Numbers of JSON documents are read as what they are, or refused.
#include "mambascope/checkpoint/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/fields.h"
#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

using testing::HasSubstr;

// The library itself makes 8 of 4294967304.
TEST(JsonTest, IntegersThatTheTypeCannotHoldAreRefused) {
  const Json big = 4294967304, fraction = 4.5, negative = -1, most = UINT64_MAX, text = "4";
  for (const Json& bad : {big, fraction, text, most})
    EXPECT_THROW((void)bad.get<int>(), Json::exception) << bad;
  for (const Json& bad : {fraction, negative, text})
    EXPECT_THROW((void)bad.get<size_t>(), Json::exception) << bad;
  EXPECT_THROW((void)most.get<int64_t>(), Json::exception);
  EXPECT_THROW((void)Json({1, big}).get<std::vector<int>>(), Json::exception);
  EXPECT_THROW((void)int(big), Json::exception) << "a conversion without get";
  EXPECT_THROW((void)Json({{"n", big}}).value("n", 0), Json::exception);
  EXPECT_EQ(big.get<int64_t>(), 4294967304);
  EXPECT_EQ(negative.get<int>(), -1);
  EXPECT_EQ(most.get<size_t>(), UINT64_MAX);
  EXPECT_EQ(Json(INT64_MIN).get<int64_t>(), INT64_MIN);
  EXPECT_EQ(fraction.get<double>(), 4.5);
}

TEST(JsonTest, FieldsRefuseNumbersThatAreTooLarge) {
  const Json json = ParseJson(R"({"n": 18446744073709551615, "x": 1e308, "list": [1e308]})", "f");
  const Fields fields(json, "f");
  EXPECT_THAT(ErrorOf([&] { (void)fields.Get<int64_t>("n"); }),
              HasSubstr("f: field 'n' is 18446744073709551615; expected an integer from"));
  EXPECT_THAT(ErrorOf([&] { (void)fields.Get<double>("x"); }),
              HasSubstr("f: field 'x' is 1e+308; expected a number that float32 can hold"));
  EXPECT_THAT(ErrorOf([&] { (void)fields.Numbers("list", {0.0}); }), HasSubstr("field 'list'"));
}

}  // namespace
}  // namespace mambascope
