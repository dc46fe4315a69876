// Compares cuts with the materialised token-to-token matrix, for every mixer of every architecture.
// The targets' mixer must move the matrix with the sources' entries zeroed, times the values. For
// attention the remaining entries of a row are renormalised.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/layers_test_support.h"

namespace mambascope {
namespace {

class CutMatrixTest : public testing::TestWithParam<std::string> {
 protected:
  // Returns the states that the mixers of this kind in `layer` move under the cuts, [token, width].
  at::Tensor ByRun(int layer, MixerKind kind, const Variant& cuts) const {
    const Place moved{MovedSite(model_.layer(layer), kind), layer};
    return mambascope::Run(model_, {ids_}, {.variants = {cuts}, .keep = {moved}}).State(moved, 0);
  }
  // Returns the same from the matrix of the mixer with this index.
  at::Tensor ByMatrix(int layer, size_t mixer, const std::vector<Cut>& cuts) const {
    const Place input = BlockInput(layer);
    const RunResult run =
        mambascope::Run(model_, {ids_}, {.variants = {}, .keep = {input, BlockInput(0)}});
    const Mixing mixing =
        model_.layer(layer).Mix({run.State(input, 0), run.State(BlockInput(0), 0)}).at(mixer);
    at::Tensor m = mixing.matrix(0, 0, mixing.channels);  // [to, from, channel]
    for (const Cut& cut : cuts) {
      for (int64_t to : cut.to) {
        for (int64_t from : cut.from) {
          at::Tensor entry = m[to][from];
          if (!cut.channels.defined()) entry.zero_();
          else entry.masked_fill_(cut.channels.reshape({mixing.channels, -1}).select(1, 0), 0);
        }
      }
    }
    if (!mixing.step.defined()) m = (m / m.sum(1, true)).nan_to_num(0);
    at::Tensor moved =
        at::einsum("ijc,jcw->icw", {m, mixing.values.unflatten(1, {mixing.channels, -1})})
            .flatten(1);
    // The gate of attention lies before its site; that of a post-norm, one number for each token,
    // lies after it.
    const bool gated = model_.layer(layer).mixers()[mixer].kind == MixerKind::kAttention &&
                       mixing.gate.defined() && mixing.gate.size(1) == moved.size(1);
    if (gated) moved = moved * mixing.gate;
    return mixing.skip.defined() ? moved + mixing.skip : moved;
  }
  // Expects that both agree for every mixer of `layer`, and that the cuts change every target.
  void ExpectEqual(int layer, const std::vector<Cut>& cuts) const {
    for (size_t i = 0; i < model_.layer(layer).mixers().size(); ++i) ExpectEqualIn(i, layer, cuts);
  }
  // Expects that for the mixer with index i, which alone is cut: another one may read its output.
  void ExpectEqualIn(size_t i, int layer, std::vector<Cut> cuts) const {
    const MixerKind kind = model_.layer(layer).mixers()[i].kind;
    for (Cut& cut : cuts) cut.mixers = kind;
    SCOPED_TRACE("layer " + std::to_string(layer) + " mixer " + std::to_string(i));
    const at::Tensor want = ByMatrix(layer, i, cuts),
                     got = ByRun(layer, kind, {cuts.begin(), cuts.end()}),
                     uncut = ByRun(layer, kind, {});
    const double scale = want.abs().max().item<double>();
    EXPECT_LT(MaxDifference(got, want), 1e-5 * Amplification(GetParam()) * scale);
    // A gated DeltaNet may forget a source before the target.
    const at::Tensor whole = ByMatrix(layer, i, {});
    for (const Cut& cut : cuts) {
      for (int64_t to : cut.to) {
        const double moves = MaxDifference(want[to], whole[to]);
        EXPECT_GT(moves, 0) << to;
        EXPECT_GT(MaxDifference(got[to], uncut[to]), std::min(1e-5 * scale, moves / 2)) << to;
      }
    }
  }

  c10::NoGradGuard no_grad_;
  Model model_ = Model::Load(GoldenFolder() / GetParam());
  std::vector<int64_t> ids_ = {7, 300, 21, 150, 9, 88, 12, 333};
};

INSTANTIATE_TEST_SUITE_P(Checkpoints, CutMatrixTest, testing::ValuesIn(TinyCheckpoints()),
                         TestName);

TEST_P(CutMatrixTest, SourcesFromTheLastToken) {
  for (int l : MixerLayers(model_)) ExpectEqual(l, {{l, {0, 2, 3}, {7}}});
}
TEST_P(CutMatrixTest, SetsFromSets) {
  for (int l : MixerLayers(model_))
    ExpectEqual(l, {{l, {1, 4}, {5, 6}}, {l, {0}, {6, 7}}, {l, {2}, {2}}});
}
TEST_P(CutMatrixTest, EverythingFromTheLastToken) {
  for (int l : MixerLayers(model_)) ExpectEqual(l, {{l, {0, 1, 2, 3, 4, 5, 6, 7}, {7}}});
}

// Where a layer has several mixers, a mask belongs to one of them. So it is refused unless the cut
// names the kind of mixer.
TEST_P(CutMatrixTest, SomeChannelsOrHeads) {
  for (int l : MixerLayers(model_)) {
    const std::vector<Mixer> mixers = model_.layer(l).mixers();
    for (size_t i = 0; i < mixers.size(); ++i) {
      const Mixer& mixer = mixers[i];
      const int64_t channels =
          mixer.kind == MixerKind::kScan ? mixer.decay.size(1) : mixer.channels;
      const at::Tensor some =
          (at::arange(channels) % 2 == 0).repeat_interleave(mixer.channels / channels);
      const std::vector<Cut> cuts = {{l, {1, 2}, {5, 7}, some}, {l, {0}, {7}}};
      if (mixers.size() > 1)
        EXPECT_THROW(ByRun(l, mixer.kind, {cuts.begin(), cuts.end()}), Error) << l;
      ExpectEqualIn(i, l, cuts);
    }
  }
}

}  // namespace
}  // namespace mambascope
