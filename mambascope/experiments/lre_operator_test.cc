#include "mambascope/experiments/lre_operator.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

using testing::HasSubstr;

TEST(LowRankInverseTest, IsThatOfASingularValueDecompositionInFloat64) {
  at::manual_seed(1);
  const at::Tensor w = at::randn({24, 24}), dz = at::randn({5, 24});
  const std::vector<int64_t> ranks = {0, 1, 7, 24, 8};
  const at::Tensor dh = LowRankInverse(w)(dz, ranks);
  const auto [u, sigma, v_t] = at::linalg_svd(w.to(at::kDouble));
  for (size_t r = 0; r < ranks.size(); ++r) {
    at::Tensor want = at::zeros({5, 24}, at::kDouble);
    for (int64_t i = 0; i < ranks[r]; ++i) want += dz.to(at::kDouble).mv(u.select(1, i)).outer(v_t[i]) / sigma[i];
    EXPECT_LT(MaxDifference(dh[static_cast<int64_t>(r)].to(at::kDouble), want), 1e-4 * (1 + want.abs().max().item<double>())) << ranks[r];
  }
  EXPECT_EQ(dh[0].abs().max().item<double>(), 0);
  EXPECT_LT(MaxDifference(dh[3].mm(w.t()), dz), 1e-3) << "the inverse of full rank";
}

TEST(LowRankInverseTest, SingularValuesOfZeroCountForNothing) {
  at::manual_seed(1);
  const at::Tensor a = at::randn({10, 3}), b = at::randn({3, 10}), dz = at::randn({2, 10});
  const at::Tensor dh = LowRankInverse(a.mm(b))(dz, {3, 10});
  EXPECT_LT(MaxDifference(dh[0], dh[1]), 1e-5);
  EXPECT_GT(dh[0].abs().max().item<double>(), 0.01);
  EXPECT_EQ(LowRankInverse(at::zeros({10, 10}))(dz, {10}).abs().max().item<double>(), 0);
}

TEST(LreOperatorTest, IsTheSameAfterItsFile) {
  at::manual_seed(1);
  const TempFolder folder;
  const LreOperator lre{7, at::randn({6, 6}), at::randn({6}), 2.25};
  WriteLre(folder / "lre.safetensors", {lre, 40, "país \"x\"", "abc"});
  const StoredLre read = ReadLre(folder / "lre.safetensors");
  const at::Tensor h = at::randn({3, 6});
  EXPECT_EQ(MaxDifference(read.lre(h), lre(h)), 0);
  EXPECT_LT(MaxDifference(lre(h)[1], 2.25 * lre.w.mv(h[1]) + lre.b), 1e-5);
  EXPECT_EQ(read.lre.layer, 7);
  EXPECT_EQ(read.rank, 40);
  EXPECT_EQ(read.relation, "país \"x\"");
  EXPECT_EQ(read.model, "abc");
}

TEST(LreOperatorTest, AnotherFileIsAnErrorThatNamesIt) {
  const TempFolder folder;
  const std::string about = R"({"layer": 1, "beta": 1.0, "rank": 8, "relation": "r"})";
  const auto error = [&](const std::map<std::string, at::Tensor>& tensors, const std::map<std::string, std::string>& metadata) {
    WriteSafetensors(folder / "other.safetensors", tensors, metadata);
    return ErrorOf([&] { ReadLre(folder / "other.safetensors"); });
  };
  const at::Tensor w = at::zeros({4, 4}), b = at::zeros({4});
  EXPECT_THAT(error({{"W", w}, {"b", b}}, {}), AllOf(HasSubstr("other.safetensors"), HasSubstr("format")));
  EXPECT_THAT(error({{"W", w}, {"b", b}}, {{"format", "mambascope-lre"}, {"lre", R"({"layer": 1})"}}), HasSubstr("lacks the layer"));
  EXPECT_THAT(error({{"W", w}}, {{"format", "mambascope-lre"}, {"lre", about}}), HasSubstr("tensor b"));
  EXPECT_THAT(error({{"W", w}, {"b", at::zeros({5})}}, {{"format", "mambascope-lre"}, {"lre", about}}), HasSubstr("do not fit"));
  EXPECT_EQ(error({{"W", w}, {"b", b}}, {{"format", "mambascope-lre"}, {"lre", about}}), "no error");
}

}  // namespace
}  // namespace mambascope
