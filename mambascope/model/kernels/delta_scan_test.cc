// Compares the gated delta rule with its reference, the reference with the matrix and the matrix
// with its formula; cuts with zeroed values; and gradients with finite differences.
#include "mambascope/model/kernels/delta_scan.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/kernels/kernels_test_support.h"

namespace mambascope {
namespace {

struct DeltaSizes {
  int64_t heads, d_key, d_value;
};

void PrintTo(const DeltaSizes& s, std::ostream* out) {
  *out << fmt::format("{} heads, d_key {}, d_value {}", s.heads, s.d_key, s.d_value);
}

struct DeltaCase {
  DeltaInput in;
  at::Tensor from;  // [3, d_key, heads * d_value]
};

// Inputs as a DeltaNet's: keys of length 1, decays and strengths between 0 and 1.
DeltaCase RandomDelta(const DeltaSizes& s, int64_t rows, at::ScalarType dtype) {
  at::manual_seed(11);
  const at::Tensor k = Random({rows, s.heads, s.d_key}, dtype);
  return {
      {Random({rows, s.heads, s.d_key}, dtype), k / k.norm(2, {2}, true),
       Random({rows, s.heads, s.d_value}, dtype), -at::softplus(Random({rows, s.heads}, dtype) - 2),
       at::sigmoid(Random({rows, s.heads}, dtype))},
      Random({3, s.d_key, s.heads * s.d_value}, dtype)};
}

// Segments longer than the tokens that are computed as one matrix, beside short ones. Two have one
// length, and two continue from one slot. Carries are kept at the first and the last token of such
// matrices, inside them and at ends.
Packing LongPacking() {
  return {.segments =
              {{0, 150, 0, -1}, {150, 70, 9, 1}, {220, 70, 4, 2}, {290, 1, 9, 1}, {291, 64, 0, -1}},
          .kept = {0, 63, 64, 128, 149, 150, 213, 214, 289, 290, 354}};
}

class DeltaScanTest : public testing::TestWithParam<DeltaSizes> {};

INSTANTIATE_TEST_SUITE_P(Sizes, DeltaScanTest,
                         testing::Values(DeltaSizes{1, 1, 1}, DeltaSizes{3, 5, 4},
                                         DeltaSizes{2, 8, 16}),
                         [](const auto& info) {
                           return fmt::format("h{}_k{}_v{}", info.param.heads, info.param.d_key,
                                              info.param.d_value);
                         });

// The scan of a whole packing without cuts.
at::Tensor ScanWithoutCuts(const DeltaInput& in, const Packing& packing, const at::Tensor& from,
                           at::Tensor& kept) {
  return DeltaScan(in, packing, from, kept, CutRows(packing, {}, 4));
}

TEST_P(DeltaScanTest, EqualsReference) {
  for (const Packing& packing : {TestPacking(), LongPacking()}) {
    const DeltaCase c = RandomDelta(GetParam(), packing.rows(), at::kFloat);
    at::Tensor kept, kept_reference;
    const at::Tensor y = ScanWithoutCuts(c.in, packing, c.from, kept);
    const at::Tensor reference = DeltaScanReference(c.in, packing, c.from, kept_reference);
    ASSERT_EQ(kept.size(0), packing.kept_count());
    EXPECT_LT(MaxDifference(y, reference), 1e-5 * reference.abs().max().item<double>());
    EXPECT_LT(MaxDifference(kept, kept_reference),
              1e-5 * kept_reference.abs().max().item<double>());
    at::Tensor ignored;
    const at::Tensor from_zero = ScanWithoutCuts(c.in, packing, at::zeros_like(c.from), ignored);
    EXPECT_GT(MaxDifference(from_zero, y), 1e-2) << "the carries are not read";
  }
}

// A prompt that is split inside or between the matrices goes on from the carry.
TEST_P(DeltaScanTest, SplitsContinueFromTheCarry) {
  const int64_t rows = 140;
  const DeltaCase c = RandomDelta(GetParam(), rows, at::kFloat);
  Packing whole = Packing::Whole({rows});
  for (int64_t t = 0; t < rows; ++t) whole.kept.push_back(t);
  at::Tensor kept, ignored;
  const at::Tensor y = ScanWithoutCuts(c.in, whole, {}, kept);
  for (const int64_t split : {1, 30, 63, 64, 65, 100, 128, 139}) {
    const auto rest = [&](const at::Tensor& x) { return x.slice(0, split); };
    const DeltaInput in{rest(c.in.q), rest(c.in.k), rest(c.in.v), rest(c.in.log_a),
                        rest(c.in.beta)};
    const Packing packing{.segments = {{0, rows - split, split, split - 1}}, .kept = {}};
    EXPECT_LT(MaxDifference(ScanWithoutCuts(in, packing, kept, ignored), rest(y)),
              1e-5 * y.abs().max().item<double>())
        << split;
  }
}

TEST_P(DeltaScanTest, ReferenceEqualsMatrix) {
  const DeltaCase c = RandomDelta(GetParam(), 90, at::kDouble);
  at::Tensor kept;
  const at::Tensor y = DeltaScanReference(c.in, Packing::Whole({90}), {}, kept);
  const at::Tensor m = DeltaMatrix(c.in, 0);
  const at::Tensor by_matrix = at::einsum("ijh,jhv->ihv", {m, c.in.v}).flatten(1);
  EXPECT_LT(MaxDifference(y, by_matrix), 1e-10 * y.abs().max().item<double>());
  EXPECT_EQ(m.permute({2, 0, 1}).triu(1).abs().max().item<double>(), 0) << "causal";
  EXPECT_LT(MaxDifference(DeltaMatrix(c.in, 70), m.slice(0, 70)), 1e-12) << "rows from 70 on";
}

// (tril(Q K^T) * D) (I + diag(beta) (tril(K K^T, -1) * D))^-1 diag(beta), one head and one decay at
// a time.
TEST_P(DeltaScanTest, MatrixIsTheFormula) {
  const int64_t rows = 12;
  const DeltaCase c = RandomDelta(GetParam(), rows, at::kDouble);
  const at::Tensor m = DeltaMatrix(c.in, 0);
  for (int64_t h = 0; h < GetParam().heads; ++h) {
    const at::Tensor q = c.in.q.select(1, h), k = c.in.k.select(1, h),
                     beta = c.in.beta.select(1, h);
    at::Tensor d = at::zeros({rows, rows}, at::kDouble);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j <= i; ++j)
        d[i][j] = c.in.log_a.select(1, h).slice(0, j + 1, i + 1).sum().exp();
    }
    const at::Tensor erased =
                         at::eye(rows, at::kDouble) + at::diag(beta).mm(k.mm(k.t()).tril(-1) * d),
                     want = (q.mm(k.t()).tril() * d).mm(at::linalg_inv(erased)).mm(at::diag(beta));
    EXPECT_LT(MaxDifference(m.select(2, h), want), 1e-12 * want.abs().max().item<double>());
  }
}

// Central differences in float64 along random directions, through segments of several matrices,
// carries and kept slots.
TEST_P(DeltaScanTest, GradientsEqualFiniteDifferences) {
  const Packing packing{.segments = {{0, 70, 0, -1}, {70, 66, 3, 1}, {136, 2, 3, 1}},
                        .kept = {10, 69, 100, 137}};
  DeltaCase c = RandomDelta(GetParam(), packing.rows(), at::kDouble);
  const auto loss = [&] {
    at::Tensor kept;
    const at::Tensor y = ScanWithoutCuts(c.in, packing, c.from, kept);
    return y.sin().sum() + kept.square().sum();
  };
  for (at::Tensor* input : {&c.in.q, &c.in.k, &c.in.v, &c.in.log_a, &c.in.beta, &c.from}) {
    const auto [numeric, analytic] = RandomSlope(*input, 1e-6, loss);
    EXPECT_GT(std::abs(numeric), 1e-3);
    EXPECT_NEAR(analytic, numeric, 1e-5 * std::max(1.0, std::abs(numeric)));
  }
}

// Some tokens forget everything, others nothing. The decay between two tokens stays exact where
// those before them have forgotten a lot.
TEST(DeltaScanEdgeTest, ExtremeDecays) {
  DeltaCase c = RandomDelta({3, 5, 4}, 355, at::kFloat);
  c.in.log_a.fill_(-1e-3);
  c.in.log_a.slice(0, 0, 355, 7).fill_(-80);
  c.in.log_a.slice(0, 3, 355, 7).fill_(0);
  c.in.log_a.slice(1, 2).fill_(-1e4);
  c.in.beta.slice(1, 1).fill_(1);
  at::Tensor kept, kept_reference;
  const at::Tensor y = ScanWithoutCuts(c.in, LongPacking(), c.from, kept);
  EXPECT_TRUE(y.isfinite().all().item<bool>());
  const at::Tensor want = DeltaScanReference(c.in, LongPacking(), c.from, kept_reference);
  EXPECT_LT(MaxDifference(y, want), 1e-5 * want.abs().max().item<double>());
  EXPECT_LT(MaxDifference(kept, kept_reference), 1e-5 * kept_reference.abs().max().item<double>());
  const Packing whole = Packing::Whole({355});
  const at::Tensor m = DeltaMatrix(c.in, 0), arrived = DeltaScanReference(c.in, whole, {}, kept);
  EXPECT_LT(MaxDifference(at::einsum("ijh,jhv->ihv", {m, c.in.v}).flatten(1), arrived),
            1e-5 * arrived.abs().max().item<double>());
}

// Returns the scan's output on one whole prompt under cuts.
at::Tensor DeltaWhole(const DeltaInput& in, const std::vector<RowCut>& cuts) {
  const Packing packing = Packing::Whole({in.v.size(0)});
  at::Tensor kept;
  return DeltaScan(in, packing, {}, kept, CutRows(packing, cuts, 4));
}

// Returns the reference's output at `to` when the tokens `from` write no value. `channels` bool
// [heads * d_value] says where; undefined: everywhere.
at::Tensor WithoutValues(const DeltaInput& in, int64_t to, const std::vector<int64_t>& from,
                         const at::Tensor& channels = {}) {
  DeltaInput without = in;
  without.v = in.v.clone();
  for (int64_t token : from) {
    at::Tensor row = without.v[token].view({-1});
    if (channels.defined()) row.masked_fill_(channels, 0);
    else row.zero_();
  }
  at::Tensor kept;
  return DeltaScanReference(without, Packing::Whole({in.v.size(0)}), {}, kept)[to];
}

TEST(DeltaScanCutTest, TargetsReadARecurrenceWithoutTheSourcesValues) {
  const DeltaInput in = RandomDelta({3, 5, 4}, 130, at::kFloat).in;
  const at::Tensor some = at::arange(12) < 5;  // a whole head, and a quarter of the next
  const at::Tensor y =
      DeltaWhole(in, {{0, {70}, {{{2, 66}}}}, {0, {71, 129}, {{{0, 68, 70}, some}, {{69}}}}});
  const at::Tensor whole = DeltaWhole(in, {});
  const double scale = whole.abs().max().item<double>();
  EXPECT_LT(MaxDifference(y[70], WithoutValues(in, 70, {2, 66})), 1e-5 * scale);
  for (const int64_t to : {71, 129}) {
    DeltaInput without = in;
    without.v = in.v.index_fill(0, at::tensor({69}, at::kLong), 0);
    EXPECT_LT(MaxDifference(y[to], WithoutValues(without, to, {0, 68, 70}, some)), 1e-5 * scale)
        << to;
  }
  EXPECT_GT(MaxDifference(y[70], whole[70]), 1e-3 * scale);
  EXPECT_GT(MaxDifference(y[71], whole[71]), 1e-3 * scale);
  at::Tensor others = at::ones({130}, at::kBool);
  for (const int64_t to : {70, 71, 129}) others[to] = false;
  const auto rest = [&](const at::Tensor& x) { return x.index({others}); };
  EXPECT_LT(MaxDifference(rest(y), rest(whole)), 1e-5 * scale) << "other tokens see everything";
}

// A hidden token still erases what the state holds at its key: with equal keys and strength 1 only
// its own value was left, so nothing arrives.
TEST(DeltaScanCutTest, HiddenTokensStillErase) {
  DeltaInput in = RandomDelta({1, 3, 2}, 4, at::kFloat).in;
  in.k.copy_(in.k[0].clone().expand_as(in.k));
  in.q.copy_(in.k);
  in.log_a.zero_();
  in.beta.fill_(1);
  in.beta[3].zero_();  // the target writes nothing
  EXPECT_LT(MaxDifference(DeltaWhole(in, {})[3], in.v[2].flatten()), 1e-6);
  EXPECT_LT(DeltaWhole(in, {{0, {3}, {{{2}}}}})[3].abs().max().item<double>(), 1e-6);
  EXPECT_LT(MaxDifference(DeltaWhole(in, {{0, {3}, {{{1}}}}})[3], in.v[2].flatten()), 1e-6);
}

TEST(DeltaScanCutTest, EqualsZeroedEntriesOfTheMatrix) {
  const DeltaInput in = RandomDelta({2, 4, 3}, 80, at::kFloat).in;
  const at::Tensor y = DeltaWhole(in, {{0, {30}, {{{5, 29}}}}, {0, {79}, {{{0, 64}}, {{70}}}}});
  at::Tensor m = DeltaMatrix(in, 0);
  for (const auto& [i, j] :
       std::vector<std::pair<int64_t, int64_t>>{{30, 5}, {30, 29}, {79, 0}, {79, 64}, {79, 70}})
    m[i][j].zero_();
  const at::Tensor want = at::einsum("ijh,jhv->ihv", {m, in.v}).flatten(1);
  EXPECT_LT(MaxDifference(y, want), 1e-5 * want.abs().max().item<double>());
  EXPECT_GT(MaxDifference(y[79], DeltaWhole(in, {})[79]), 1e-3);
}

// A segment under a cut continues from a carry without the sources' values.
TEST(DeltaScanCutTest, CutsGoOnFromTheCarryThatTheyKept) {
  const DeltaInput in = RandomDelta({2, 4, 3}, 100, at::kFloat).in;
  Packing whole = Packing::Whole({100});
  whole.kept = {4, 67};
  at::Tensor kept, ignored;
  DeltaScan(in, whole, {}, kept, CutRows(whole, {{0, {}, {{{2, 65}}}, -1, {67}}}, 4));
  ASSERT_EQ(kept.size(0), 3) << "two slots of the packing, and then the cut's";
  const Packing rest{.segments = {{0, 32, 68, 1}}, .kept = {}};
  const auto last = [](const at::Tensor& x) { return x.slice(0, 68); };
  const DeltaInput from_68{last(in.q), last(in.k), last(in.v), last(in.log_a), last(in.beta)};
  const at::Tensor got =
      DeltaScan(from_68, rest, kept, ignored, CutRows(rest, {{0, {1, 31}, {{{2, 65, 69}}}, 2}}, 4));
  const at::Tensor want = last(DeltaWhole(in, {{0, {69, 99}, {{{2, 65, 69}}}}}));
  EXPECT_LT(MaxDifference(got, want), 1e-5 * want.abs().max().item<double>());
  EXPECT_GT(MaxDifference(got[1], DeltaScan(from_68, rest, kept, ignored, CutRows(rest, {}, 4))[1]),
            1e-3);
}

// The value of a hidden token is never written, so an infinite one reaches only the tokens that see
// it.
TEST(DeltaScanCutTest, InfiniteSourcesStayHidden) {
  const DeltaInput in = RandomDelta({2, 4, 3}, 8, at::kFloat).in;
  DeltaInput infinite = in;
  infinite.v = in.v.clone();
  infinite.v[3].fill_(INFINITY);
  const at::Tensor y = DeltaWhole(infinite, {{0, {7}, {{{3}}}}});
  EXPECT_LT(MaxDifference(y[7], WithoutValues(in, 7, {3})), 1e-5);
  EXPECT_FALSE(y[6].isfinite().all().item<bool>());
}

}  // namespace
}  // namespace mambascope
