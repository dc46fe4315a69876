// Compares attention with a plain computation, one row and one head at a time: windows, capped
// scores, carries and cuts.
#include "mambascope/model/kernels/attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

constexpr int64_t kHeads = 4, kKeyHeads = 2, kHeadDim = 6;

// What a row of a segment does not read.
struct HiddenFromRow {
  std::vector<Sources> sources = {};
  bool reads_later = false;  // the row also reads the tokens after it
};

HiddenFromRow FromRow(const std::vector<RowCut>& cuts, size_t segment, int64_t row) {
  HiddenFromRow hidden;
  for (const RowCut& cut : cuts) {
    if (cut.segment != segment) continue;
    for (const Sources& sources : cut.hidden)
      hidden.reads_later = hidden.reads_later || sources.kind == CutKind::kBidirectional;
    if (std::find(cut.to.begin(), cut.to.end(), row) != cut.to.end()) hidden.sources = cut.hidden;
  }
  return hidden;
}

// Returns the weights of one row and head, [readable row]. `k` [readable row, head_dim] holds the
// keys of the whole prompt, and `i` is the row's token.
at::Tensor WeightsByHand(const at::Tensor& q, const at::Tensor& k, int64_t head, int64_t i,
                         const AttentionConfig& config, const HiddenFromRow& hidden) {
  std::vector<double> weights(static_cast<size_t>(k.size(0)));
  double sum = 0;
  for (int64_t j = 0; j < k.size(0); ++j) {
    bool reads = (j <= i || hidden.reads_later) && (config.window == 0 || j > i - config.window);
    for (const Sources& sources : hidden.sources) {
      const bool acts = !sources.channels.defined() || sources.channels[head].item<bool>();
      if (acts &&
          std::find(sources.tokens.begin(), sources.tokens.end(), j) != sources.tokens.end())
        reads = false;
    }
    if (!reads) continue;
    double score = q.dot(k[j]).item<double>();
    score *= config.scale == 0 ? 1 / std::sqrt(static_cast<double>(q.size(0))) : config.scale;
    if (config.softcap != 0) score = config.softcap * std::tanh(score / config.softcap);
    weights[static_cast<size_t>(j)] = std::exp(score);
    sum += std::exp(score);
  }
  const bool uniform = std::any_of(
      hidden.sources.begin(), hidden.sources.end(),
      [](const Sources& sources) { return sources.kind == CutKind::kEmptyRowsUniform; });
  for (double& weight : weights) {
    if (sum > 0) weight /= sum;
    else weight = uniform ? 1.0 / static_cast<double>(weights.size()) : 0;
  }
  return at::tensor(weights, at::kDouble);
}

// The keys or values that a segment's rows may read, [row, kv_heads, head_dim].
at::Tensor OfPrompt(const at::Tensor& own, const at::Tensor& carried, const Segment& s,
                    const Carry& from) {
  const at::Tensor rows = own.slice(0, s.begin, s.end());
  if (s.carry < 0) return rows;
  const Carry::Rows before = from.rows[static_cast<size_t>(s.carry)];
  return at::cat({carried.slice(0, before.begin, before.end), rows});
}

at::Tensor AttendByHand(const AttentionInput& in, const AttentionConfig& config,
                        const Packing& packing, const Carry& from,
                        const std::vector<RowCut>& cuts) {
  std::vector<at::Tensor> out;
  for (size_t segment = 0; segment < packing.segments.size(); ++segment) {
    const Segment& s = packing.segments[segment];
    const at::Tensor k = OfPrompt(in.k, from.keys, s, from),
                     v = OfPrompt(in.v, from.values, s, from);
    for (int64_t row = s.begin; row < s.end(); ++row) {
      for (int64_t head = 0; head < kHeads; ++head) {
        const int64_t key_head = head / (kHeads / kKeyHeads);
        const at::Tensor weights =
            WeightsByHand(in.q[row][head], k.select(1, key_head), head, s.position + row - s.begin,
                          config, FromRow(cuts, segment, row));
        out.push_back(weights.to(v.scalar_type()).matmul(v.select(1, key_head)));
      }
    }
  }
  return at::stack(out).view({packing.rows(), kHeads * kHeadDim});
}

AttentionInput RandomHeads(int64_t rows) {
  return {at::randn({rows, kHeads, kHeadDim}), at::randn({rows, kKeyHeads, kHeadDim}),
          at::randn({rows, kKeyHeads, kHeadDim})};
}

// Two slots, of 4 and of 6 tokens.
Carry RandomCarry() {
  return {.conv = {},
          .ssm = {},
          .keys = at::randn({10, kKeyHeads, kHeadDim}),
          .values = at::randn({10, kKeyHeads, kHeadDim}),
          .rows = {{0, 4}, {4, 10}}};
}

// A whole prompt, three segments that continue from one slot, two of them of one length, and one
// that continues from the other slot.
Packing AttentionPacking() {
  return {.segments = {{0, 9, 0, -1}, {9, 5, 6, 1}, {14, 3, 6, 1}, {17, 1, 4, 0}, {18, 5, 6, 1}},
          .kept = {0, 8, 11, 17, 22}};
}

const AttentionConfig kPlain = {}, kScaled = {.scale = 1.3}, kCapped = {.softcap = 0.8},
                      kWindow = {.window = 4}, kSelf = {.window = 1}, kWide = {.window = 40},
                      kBoth = {.scale = 1.3, .softcap = 0.8, .window = 3};

class AttentionTest : public testing::Test {
 protected:
  at::Tensor Computed(const AttentionConfig& config, const std::vector<RowCut>& cuts = {}) const {
    return Computed(config, cuts, from_);
  }
  at::Tensor Computed(const AttentionConfig& config, const std::vector<RowCut>& cuts,
                      Carry from) const {
    const auto sent = [](const at::Tensor& x) { return x.to(TestDevice()); };
    Carry kept;
    from.keys = sent(from.keys);
    from.values = sent(from.values);
    return Attend({sent(in_.q), sent(in_.k), sent(in_.v)}, config, packing_, from, kept, cuts)
        .cpu();
  }
  void ExpectAsByHand(const AttentionConfig& config, const std::vector<RowCut>& cuts = {}) const {
    EXPECT_LT(
        MaxDifference(Computed(config, cuts), AttendByHand(in_, config, packing_, from_, cuts)),
        2e-6)
        << "window " << config.window << " cap " << config.softcap;
  }

  const Packing packing_ = AttentionPacking();
  const AttentionInput in_ = (at::manual_seed(13), RandomHeads(packing_.rows()));
  const Carry from_ = RandomCarry();
};

TEST_F(AttentionTest, IsThatOfEachRowAndHead) {
  for (const AttentionConfig& config : {kPlain, kScaled, kCapped, kWindow, kSelf, kWide, kBoth})
    ExpectAsByHand(config);
  const at::Tensor plain = Computed(kPlain);
  for (const AttentionConfig& config : {kScaled, kCapped, kWindow, kSelf, kBoth})
    EXPECT_GT(MaxDifference(Computed(config), plain), 1e-2)
        << "window " << config.window << " cap " << config.softcap;
  EXPECT_LT(MaxDifference(Computed(kWide), plain), 1e-6) << "a window wider than the prompt";
}

// A segment reads its own tokens and those of its slot; of these, the last four.
TEST_F(AttentionTest, WindowReachesIntoTheCarry) {
  Carry changed = from_;
  changed.values = from_.values.clone();
  changed.values.slice(0, 4, 7).add_(1);  // tokens 0 to 2 of the slot of 6 tokens
  const at::Tensor before = Computed(kWindow), after = Computed(kWindow, {}, changed);
  EXPECT_TRUE(after.equal(before)) << "token 6 reads the tokens from 3 on";
  changed.values.slice(0, 7, 8).add_(1);  // token 3
  const at::Tensor moved = (Computed(kWindow, {}, changed) - before).abs().amax(1);
  for (int64_t row = 0; row < packing_.rows(); ++row) {
    const bool reads = row == 9 || row == 14 || row == 18;  // token 6 of each segment
    EXPECT_EQ(moved[row].item<double>() > 0, reads) << row;
  }
}

TEST_F(AttentionTest, PromptsSplitAnywhereContinueFromTheCarry) {
  at::manual_seed(14);
  const AttentionInput in = RandomHeads(11);
  Packing whole = Packing::Whole({11});
  for (int64_t t = 0; t < 11; ++t) whole.kept.push_back(t);
  for (const AttentionConfig& config : {kPlain, kWindow, kSelf, kBoth}) {
    Carry kept, ignored;
    const at::Tensor all = Attend(in, config, whole, {}, kept, {});
    for (int64_t split = 1; split < 11; ++split) {
      const auto rest = [&](const at::Tensor& x) { return x.slice(0, split); };
      const Packing packing{.segments = {{0, 11 - split, split, split - 1}}, .kept = {}};
      EXPECT_LT(MaxDifference(Attend({rest(in.q), rest(in.k), rest(in.v)}, config, packing, kept,
                                     ignored, {}),
                              rest(all)),
                1e-6)
          << split << " window " << config.window;
    }
  }
}

TEST_F(AttentionTest, CutsHideTokensOfTheWindow) {
  const at::Tensor some = at::arange(kHeads) % 3 == 0;  // heads 0 and 3
  const std::vector<RowCut> cuts = {
      {0, {3, 8}, {{{2, 3}}}},                // inside the window, and before it
      {1, {9, 12}, {{{4, 6}, some}, {{5}}}},  // of the carry and of the segment itself
      {4, {22}, {{{0, 9, 10}}}},
      {3, {17}, {{{0, 1, 2, 3, 4}}}}};  // nothing is left to read
  for (const AttentionConfig& config : {kPlain, kCapped, kWindow, kBoth}) {
    ExpectAsByHand(config, cuts);
    const at::Tensor cut = Computed(config, cuts), uncut = Computed(config);
    for (int64_t row : {3, 8, 9, 12, 22, 17}) {
      // Row 8 reads from token 5 or 6 on, and row 12 from token 6 or 7.
      const bool hides = config.window == 0 || (row != 8 && !(row == 12 && config.window == 3));
      EXPECT_EQ(MaxDifference(cut[row], uncut[row]) > 1e-3, hides) << row << " " << config.window;
    }
    EXPECT_EQ(cut[17].abs().max().item<double>(), 0);
    EXPECT_LT(MaxDifference(cut.slice(0, 4, 8), uncut.slice(0, 4, 8)), 1e-6) << "not targets";
  }
}

TEST_F(AttentionTest, RowsWithNothingLeftReadEverythingWhereThatIsPublished) {
  const std::vector<RowCut> cuts = {{0, {2, 8}, {{{0, 1, 2}, {}, CutKind::kEmptyRowsUniform}}},
                                    {4, {18}, {{{3, 4, 5, 6}, {}, CutKind::kEmptyRowsUniform}}}};
  for (const AttentionConfig& config : {kPlain, kWindow, kBoth}) ExpectAsByHand(config, cuts);
  EXPECT_LT(MaxDifference(Computed(kWindow, cuts)[2].view({kHeads, kHeadDim})[0],
                          in_.v.slice(0, 0, 9).mean(0)[0]),
            1e-6);
  const at::Tensor all = at::cat({from_.values.slice(0, 4, 10), in_.v.slice(0, 18, 23)});
  EXPECT_LT(MaxDifference(Computed(kWindow, cuts)[18].view({kHeads, kHeadDim})[3], all.mean(0)[1]),
            1e-6)
      << "its window is hidden";
}

// All rows of the prompt read later tokens; the window still hides earlier ones.
TEST_F(AttentionTest, BidirectionalRowsKeepTheirWindow) {
  const std::vector<RowCut> cuts = {{0, {5}, {{{4}, {}, CutKind::kBidirectional}}},
                                    {4, {20, 21}, {{{5, 10}, {}, CutKind::kBidirectional}}}};
  for (const AttentionConfig& config : {kPlain, kWindow, kBoth}) {
    ExpectAsByHand(config, cuts);
    EXPECT_GT(MaxDifference(Computed(config, cuts)[0], Computed(config)[0]), 1e-2)
        << "row 0 reads later tokens";
  }
}

// A long prompt, and a long segment that continues from the slot of 6 tokens.
Packing TwoLongSegments() {
  return {.segments = {{0, 150, 0, -1}, {150, 130, 6, 1}, {280, 3, 6, 1}}, .kept = {}};
}

TEST_F(AttentionTest, RowsHaveTheSameBitsWithAnyNumberOfScoresTogether) {
  at::manual_seed(16);
  const Packing packing = TwoLongSegments();
  const AttentionInput in = RandomHeads(packing.rows());
  const at::Tensor some = at::arange(kHeads) % 3 == 0;
  const std::vector<RowCut> hides = {{0, {3, 88, 149}, {{{2, 3, 60}, some}}},
                                     {1, {150, 279}, {{{0, 4, 6}}}}},
                            uniform = {{0, {2, 120}, {{{0, 1, 2}, {}, CutKind::kEmptyRowsUniform}}},
                                       {1, {151}, {{{3}, {}, CutKind::kBidirectional}}}};
  for (const std::vector<RowCut>& cuts : {std::vector<RowCut>(), hides, uniform}) {
    for (const AttentionConfig& config : {kPlain, kCapped, kWindow, kBoth}) {
      Carry kept;
      const auto computed = [&](int64_t scores) {
        return Attend(in, config, packing, from_, kept, cuts, scores);
      };
      const at::Tensor whole = computed(int64_t{1} << 24);
      for (const int64_t scores : {1, 5000, 40000})
        EXPECT_TRUE(at::equal(computed(scores), whole))
            << scores << " scores, window " << config.window << ", " << cuts.size()
            << " cuts: " << MaxDifference(computed(scores), whole);
    }
  }
}

TEST_F(AttentionTest, GradientsFlowThroughBlocksOfRows) {
  at::manual_seed(17);
  const Packing packing = TwoLongSegments();
  AttentionInput in = RandomHeads(packing.rows());
  const at::Tensor weight = at::randn({packing.rows(), kHeads * kHeadDim});
  const auto gradients = [&](const AttentionInput& of, const Packing& rows, const at::Tensor& w,
                             int64_t scores) {
    std::vector<at::Tensor> inputs;
    for (const at::Tensor& x : {of.q, of.k, of.v})
      inputs.push_back(x.detach().clone().set_requires_grad(true));
    Carry kept;
    (Attend({inputs[0], inputs[1], inputs[2]}, kBoth, rows, from_, kept, {}, scores) * w)
        .sum()
        .backward();
    return std::vector<at::Tensor>{inputs[0].grad(), inputs[1].grad(), inputs[2].grad()};
  };
  const auto whole = gradients(in, packing, weight, int64_t{1} << 24),
             blocks = gradients(in, packing, weight, 5000);
  const auto first = [](const at::Tensor& x) { return x.slice(0, 0, 150); };
  const auto alone = gradients({first(in.q), first(in.k), first(in.v)}, Packing::Whole({150}),
                               first(weight), 5000);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_LT(MaxDifference(blocks[i], whole[i]), 1e-5) << i;
    EXPECT_GT(blocks[i].abs().max().item<double>(), 0.1) << i;
    EXPECT_TRUE(at::equal(alone[i], first(blocks[i]))) << "beside other segments, " << i;
  }
}

// As a text is generated: a carry that grows by a token at each step, here of two prompts.
TEST_F(AttentionTest, GrowingCarriesAreRarelyCopied) {
  at::manual_seed(18);
  constexpr int64_t kSteps = 300;
  const AttentionInput in = RandomHeads(2 * kSteps);
  const auto rows = [&](const at::Tensor& x, int64_t t) {  // row t of both prompts
    return x.index_select(0, RowIndex({t, kSteps + t}, x));
  };
  Carry from, kept, dropped;
  std::vector<at::Tensor> out;
  int64_t copies = 0;
  for (int64_t t = 0; t < kSteps; ++t) {
    const int64_t slot = t == 0 ? -1 : 0;
    const Packing packing{.segments = {{0, 1, t, slot}, {1, 1, t, slot < 0 ? slot : 1}},
                          .kept = {0, 1},
                          .grows = true};
    out.push_back(
        Attend({rows(in.q, t), rows(in.k, t), rows(in.v, t)}, kPlain, packing, from, kept, {}));
    copies += t > 0 && kept.keys.data_ptr() != from.keys.data_ptr() ? 1 : 0;
    from = std::move(kept);
    kept = {};
  }
  const at::Tensor whole = Attend(in, kPlain, Packing::Whole({kSteps, kSteps}), {}, dropped, {});
  const at::Tensor grown = at::stack(out, 1).flatten(0, 1);  // prompt after prompt
  EXPECT_LT(MaxDifference(grown, whole), 1e-5);
  EXPECT_GT(copies, 0);
  EXPECT_LT(copies, 6);
}

TEST_F(AttentionTest, WeightsAreTheSoftmaxOfWhatIsRead) {
  at::manual_seed(15);
  const at::Tensor q = at::randn({9, kHeads, kHeadDim}), k = at::randn({9, kHeads, kHeadDim});
  for (const AttentionConfig& config : {kPlain, kScaled, kCapped, kWindow, kSelf, kBoth}) {
    for (const int64_t first : {0, 5, 8}) {
      const at::Tensor weights = AttentionWeights(q, k, config, first);
      ASSERT_EQ(weights.sizes(), (at::IntArrayRef{9 - first, 9, kHeads}));
      for (int64_t i = first; i < 9; ++i) {
        for (int64_t head = 0; head < kHeads; ++head) {
          const at::Tensor want = WeightsByHand(q[i][head], k.select(1, head), head, i, config, {});
          EXPECT_LT(MaxDifference(weights[i - first].select(1, head).to(at::kDouble), want), 1e-6);
        }
      }
    }
  }
}

}  // namespace
}  // namespace mambascope
