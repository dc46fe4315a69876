#include "mambascope/experiments/lre/operator.h"

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
  const at::Tensor dh = LowRankInverse(w, 24)(dz, ranks);
  const auto [u, sigma, v_t] = at::linalg_svd(w.to(at::kDouble));
  for (size_t r = 0; r < ranks.size(); ++r) {
    at::Tensor want = at::zeros({5, 24}, at::kDouble);
    for (int64_t i = 0; i < ranks[r]; ++i)
      want += dz.to(at::kDouble).mv(u.select(1, i)).outer(v_t[i]) / sigma[i];
    EXPECT_LT(MaxDifference(dh[static_cast<int64_t>(r)].to(at::kDouble), want),
              1e-4 * (1 + want.abs().max().item<double>()))
        << ranks[r];
  }
  EXPECT_EQ(dh[0].abs().max().item<double>(), 0);
  EXPECT_LT(MaxDifference(dh[3].mm(w.t()), dz), 1e-3) << "the inverse of full rank";
}

TEST(LowRankInverseTest, SingularValuesOfZeroCountForNothing) {
  const at::Tensor w = at::tensor({4.f, 0.f, 2.f}).diag(),
                   dz = at::tensor({1.f, 1.f, 1.f}).unsqueeze(0);
  const at::Tensor dh = LowRankInverse(w, 3)(dz, {1, 3});
  EXPECT_LT(MaxDifference(dh[0][0], at::tensor({0.25f, 0.f, 0.f})), 1e-6);
  EXPECT_LT(MaxDifference(dh[1][0], at::tensor({0.25f, 0.f, 0.5f})), 1e-6);
  EXPECT_EQ(LowRankInverse(at::zeros({3, 3}), 3)(dz, {3}).abs().max().item<double>(), 0);
}

TEST(LreOperatorTest, IsTheSameAfterItsFile) {
  at::manual_seed(1);
  const TempFolder folder;
  const LreOperator lre{7, at::randn({6, 6}), at::randn({6}), 2.25};
  WriteLre(folder / "lre.safetensors", {lre, 4, "país \"x\"", "abc", "{} is in", {{"a", "é"}}, ""});
  const StoredLre read = ReadLre(folder / "lre.safetensors");
  const at::Tensor h = at::randn({3, 6});
  EXPECT_EQ(MaxDifference(read.lre(h), lre(h)), 0);
  EXPECT_LT(MaxDifference(lre(h)[1], 2.25 * lre.w.mv(h[1]) + lre.b), 1e-5);
  EXPECT_EQ(read.lre.layer, 7);
  EXPECT_EQ(read.rank, 4);
  EXPECT_EQ(read.relation, "país \"x\"");
  EXPECT_EQ(read.model, "abc");
  EXPECT_EQ(read.pattern, "{} is in");
  EXPECT_THAT(read.examples, testing::ElementsAre(Sample{"a", "é"}));
  EXPECT_EQ(read.prefix, "");
  WriteLre(folder / "lre.safetensors", {lre, 4, "r", "abc", "{} is in", {}, std::nullopt});
  EXPECT_FALSE(ReadLre(folder / "lre.safetensors").prefix.has_value()) << "the tokenizer's";
}

TEST(LreOperatorTest, AnotherFileIsAnErrorThatNamesIt) {
  const TempFolder folder;
  const std::string about =
      R"({"layer": 1, "beta": 1, "rank": 4, "relation": "r", "pattern": "{} is", "examples": []})";
  const auto error = [&](const std::map<std::string, at::Tensor>& tensors,
                         const std::map<std::string, std::string>& metadata) {
    WriteSafetensors(folder / "other.safetensors", tensors, metadata);
    return ErrorOf([&] { ReadLre(folder / "other.safetensors"); });
  };
  const at::Tensor w = at::zeros({4, 4}), b = at::zeros({4});
  EXPECT_THAT(error({{"W", w}, {"b", b}}, {}),
              AllOf(HasSubstr("other.safetensors"), HasSubstr("format")));
  EXPECT_THAT(
      error({{"W", w}, {"b", b}}, {{"format", "mambascope-lre"}, {"lre", R"({"layer": 1})"}}),
      HasSubstr("lacks the layer"));
  const std::string no_pattern =
      R"({"layer": 1, "beta": 1, "rank": 4, "relation": "r", "examples": []})";
  EXPECT_THAT(error({{"W", w}, {"b", b}}, {{"format", "mambascope-lre"}, {"lre", no_pattern}}),
              AllOf(HasSubstr("other.safetensors"), HasSubstr("pattern")));
  EXPECT_THAT(error({{"W", w}}, {{"format", "mambascope-lre"}, {"lre", about}}),
              HasSubstr("tensor b"));
  EXPECT_THAT(
      error({{"W", w}, {"b", at::zeros({5})}}, {{"format", "mambascope-lre"}, {"lre", about}}),
      HasSubstr("do not fit"));
  for (const char* wrong : {R"({"layer": 4294967304, "beta": 1, "rank": 4})", "7",
                            R"({"layer": 1, "beta": 1, "rank": 1.5})"})
    EXPECT_THAT(error({{"W", w}, {"b", b}}, {{"format", "mambascope-lre"}, {"lre", wrong}}),
                HasSubstr("lacks the layer, beta or rank"));
  const std::string high = R"({"layer": 1, "beta": 1, "rank": 5})";
  EXPECT_THAT(error({{"W", w}, {"b", b}}, {{"format", "mambascope-lre"}, {"lre", high}}),
              HasSubstr("its rank is larger than W"));
  EXPECT_EQ(error({{"W", w}, {"b", b}}, {{"format", "mambascope-lre"}, {"lre", about}}),
            "no error");
}

}  // namespace
}  // namespace mambascope
