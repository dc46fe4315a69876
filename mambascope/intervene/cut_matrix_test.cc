// Compares cuts with the materialised token-to-token matrix, for every architecture. The targets'
// mixer must move the matrix with the sources' entries zeroed, times the values. For attention the
// remaining entries of a row are renormalised.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/intervene/run.h"

namespace mambascope {
namespace {

class CutMatrixTest : public testing::TestWithParam<std::string> {
 protected:
  Mixer OwnMixer() const { return model_.layer(1).mixers().at(0); }
  bool IsMamba() const { return OwnMixer().kind == MixerKind::kScan; }
  Place Moved() const { return {IsMamba() ? Site::kSsmOut : Site::kMixed, 1}; }
  // The states that layer 1's mixer moves under the cuts, [token, width].
  at::Tensor ByRun(const Variant& cuts) const {
    return mambascope::Run(model_, {ids_}, {.variants = {cuts}, .keep = {Moved()}})
        .State(Moved(), 0);
  }
  at::Tensor ByMatrix(const std::vector<Cut>& cuts) const {
    const Place input = BlockInput(1);
    const Mixing mixing =
        model_.layer(1)
            .Mix(mambascope::Run(model_, {ids_}, {.variants = {}, .keep = {input}}).State(input, 0))
            .at(0);
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
    if (!IsMamba()) m = (m / m.sum(1, true)).nan_to_num(0);
    at::Tensor moved =
        at::einsum("ijc,jcw->icw", {m, mixing.values.unflatten(1, {mixing.channels, -1})})
            .flatten(1);
    return mixing.skip.defined() ? moved + mixing.skip : moved;
  }
  void ExpectEqual(const std::vector<Cut>& cuts) const {
    const at::Tensor want = ByMatrix(cuts), got = ByRun({cuts.begin(), cuts.end()});
    EXPECT_LT(MaxDifference(got, want), 1e-5 * want.abs().max().item<double>());
    for (const Cut& cut : cuts) {
      for (int64_t to : cut.to)
        EXPECT_GT(MaxDifference(got[to], ByRun({})[to]), 1e-5 * want.abs().max().item<double>())
            << to;
    }
  }

  c10::NoGradGuard no_grad_;
  Model model_ = Model::Load(GoldenFolder() / GetParam());
  std::vector<int64_t> ids_ = {7, 300, 21, 150, 9, 88, 12, 333};
};

INSTANTIATE_TEST_SUITE_P(Checkpoints, CutMatrixTest, testing::ValuesIn(TinyCheckpoints()),
                         TestName);

TEST_P(CutMatrixTest, SourcesFromTheLastToken) { ExpectEqual({{1, {0, 2, 3}, {7}}}); }
TEST_P(CutMatrixTest, SetsFromSets) {
  ExpectEqual({{1, {1, 4}, {5, 6}}, {1, {0}, {6, 7}}, {1, {2}, {2}}});
}
TEST_P(CutMatrixTest, EverythingFromTheLastToken) {
  ExpectEqual({{1, {0, 1, 2, 3, 4, 5, 6, 7}, {7}}});
}

TEST_P(CutMatrixTest, SomeChannelsOrHeads) {
  const int64_t channels = IsMamba() ? OwnMixer().decay.size(1) : OwnMixer().channels;
  const int64_t copies = OwnMixer().channels / channels;
  const at::Tensor some = (at::arange(channels) % 2 == 0).repeat_interleave(copies);
  ExpectEqual({{1, {1, 2}, {5, 7}, some}, {1, {0}, {7}}});
}

}  // namespace
}  // namespace mambascope
