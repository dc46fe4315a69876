// A result file of attention is read as it was written, or refused.
#include "mambascope/experiments/knockout/attention_result.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

using testing::HasSubstr;

Json WrittenAttention() {
  const at::Tensor matrix = at::rand({2, 2});
  const LayerAttention layer{.layer = 1,
                             .channels = 3,
                             .mean = matrix,
                             .absolute = matrix,
                             .normalised = matrix,
                             .channel = matrix,
                             .channel_name = "channel"};
  return AttentionResult{.options = Json::object(),
                         .ids = {5, 7},
                         .texts = {"a", std::nullopt},
                         .layers = {layer, layer},
                         .channel = 2};
}

TEST(AttentionResultTest, IsReadAsItWasWritten) {
  const Json written = WrittenAttention();
  EXPECT_EQ(Json(written.get<AttentionResult>()), written);
}

// LibTorch would refuse them in words of its own, or read past the end.
TEST(AttentionResultTest, MatricesOfOtherShapesAreRefused) {
  for (const char* part : {"signed", "absolute", "normalised"}) {
    for (const Json& matrix : {Json::array(), Json({{1, 2}, {3}}), Json({{1, 2}}), Json(-1),
                               Json({{1, 2, 3}, {4, 5, 6}})}) {
      Json damaged = WrittenAttention();
      damaged["layers"][1][part] = matrix;
      EXPECT_THAT(ErrorOf([&] { (void)damaged.get<AttentionResult>(); }), HasSubstr("not 2 x 2"))
          << part << " " << matrix;
    }
  }
  Json damaged = WrittenAttention();
  damaged["layers"][1].erase("channel");
  EXPECT_THAT(ErrorOf([&] { (void)damaged.get<AttentionResult>(); }),
              HasSubstr("others have none"));
}

}  // namespace
}  // namespace mambascope
