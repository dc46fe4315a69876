// Sequences with shared prefixes give the same as separate whole passes, however they branch, and
// each prefix is computed once.
#include "mambascope/model/shared_forward.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

using Sequences = std::vector<std::vector<int64_t>>;

// Sequences that are prefixes of each other, branches off branches, a repeated sequence, and one
// that shares nothing.
const Sequences kSequences = {{5, 6, 7, 8, 9},
                              {5, 6, 7, 8, 9, 10, 11},
                              {5, 6, 7, 8, 12},
                              {5, 6, 20, 21},
                              {5},
                              {5, 6, 7, 8, 12, 13, 14},
                              {5, 6, 7, 8, 9},
                              {40, 41, 42},
                              {5, 6, 7, 8},
                              {40, 41, 42, 43, 44, 45},
                              {5, 6, 7, 30, 31, 32},
                              {5, 6, 7, 30, 31, 33},
                              {5, 6, 7, 30, 34},
                              {100}};

std::vector<SequenceToken> AllTokens(const Sequences& sequences) {
  std::vector<SequenceToken> tokens;
  for (size_t i = 0; i < sequences.size(); ++i) {
    for (size_t t = 0; t < sequences[i].size(); ++t) tokens.push_back({i, static_cast<int64_t>(t)});
  }
  return tokens;
}

class SharedForwardTest : public testing::TestWithParam<std::string> {
 protected:
  // The last block's outputs at all sequences' tokens, by whole passes, [token, d_model].
  at::Tensor Whole() const {
    std::vector<at::Tensor> h;
    for (const auto& sequence : kSequences)
      h.push_back(
          model_.Forward(sequence, Packing::Whole({static_cast<int64_t>(sequence.size())})));
    return at::cat(h);
  }
  c10::NoGradGuard no_grad_;
  Model model_ = Model::Load(GoldenFolder() / GetParam());
};

INSTANTIATE_TEST_SUITE_P(Checkpoints, SharedForwardTest, testing::ValuesIn(TinyCheckpoints()),
                         TestName);

TEST_P(SharedForwardTest, EqualsWholePasses) {
  const at::Tensor whole = Whole();
  const double scale = whole.abs().max().item<double>();
  for (int64_t waves : {1, 2, 3, 9}) {
    for (int64_t rows : {1, 7, 1000}) {
      const SharedForwardResult shared = ForwardShared(model_, kSequences, AllTokens(kSequences),
                                                       {.batch_rows = rows, .waves = waves});
      const at::Tensor h = shared.h.index_select(0, RowIndex(shared.row, shared.h));
      EXPECT_LT(MaxDifference(h, whole), 2e-5 * scale) << waves << " waves of batches of " << rows;
    }
  }
  EXPECT_GT(MaxDifference(whole[0], whole[1]), 1e-2 * scale) << "the tokens are not alike";
}

TEST_P(SharedForwardTest, ComputesEveryPrefixOnce) {
  const auto rows = [&](int64_t waves) {
    SharedForwardWork work;
    ForwardShared(model_, kSequences, {{0, 0}},
                  {.waves = waves, .progress = [&](const SharedForwardWork& w) { work = w; }});
    EXPECT_EQ(work.done, 14);
    EXPECT_EQ(work.total, 14);
    EXPECT_EQ(work.naive_rows, 65);
    return work.rows;
  };
  // The tree: 5 6 7 (8 (12 13 14 | 9 10 11) | 30 (34 | 31 (33 | 32))) | 5 6 20 21 | 40 .. 45 | 100
  EXPECT_EQ(rows(9), 24);
  EXPECT_EQ(rows(1), 42) << "only sequences that are prefixes of others share their rows";
  EXPECT_GT(rows(2), rows(3));
  EXPECT_GE(rows(3), rows(9));
}

TEST_P(SharedForwardTest, EqualPrefixesHaveOneRow) {
  const SharedForwardResult shared =
      ForwardShared(model_, kSequences, {{6, 4}, {3, 3}, {0, 4}, {1, 4}, {0, 4}, {1, 5}});
  EXPECT_EQ(shared.h.size(0), 3);
  EXPECT_EQ(shared.row[0], shared.row[2]);
  EXPECT_EQ(shared.row[2], shared.row[3]);
  EXPECT_EQ(shared.row[3], shared.row[4]);
  EXPECT_NE(shared.row[0], shared.row[1]);
  EXPECT_NE(shared.row[0], shared.row[5]);
}

TEST_P(SharedForwardTest, IdsOutsideTheVocabularyAreRefused) {
  EXPECT_THROW(ForwardShared(model_, {{1, 2}, {1, -3}}, {{0, 1}}), Error);
  EXPECT_THROW(ForwardShared(model_, {{model_.config().vocab}}, {{0, 0}}), Error);
}

TEST(SharedForwardPositionsTest, SequencesLongerThanThePositionsAreRefused) {
  const Model model = Model::Load(GoldenFolder() / "gpt2");
  std::vector<int64_t> longest(128, 5);
  EXPECT_NO_THROW(ForwardShared(model, {longest, {5, 6}}, {{0, 127}}));
  longest.push_back(5);
  EXPECT_EQ(ErrorOf([&] {
              ForwardShared(model, {longest, {5, 6}}, {{0, 127}});
            }),
            "a prompt of 129 tokens is longer than this model allows (n_positions: 128)");
}

}  // namespace
}  // namespace mambascope
