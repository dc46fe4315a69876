// The distributions of one cell agree with whole runs that are patched by hand, and with the trace.
#include "mambascope/experiments/tracing/patched_run.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/data/prompt_test_support.h"
#include "mambascope/experiments/tracing/trace.h"
#include "mambascope/intervene/run.h"

namespace mambascope {
namespace {

void ExpectClose(const at::Tensor& got, const at::Tensor& want) {
  EXPECT_LT((got - want).abs().max().item<double>(), 1e-6);
}

class PatchedRunTest : public testing::TestWithParam<const char*> {
 protected:
  const Model model_ = Model::Load(GoldenFolder() / GetParam());
  // The subject has two tokens in the clean prompt and three in the corrupted one.
  const FactPair pair_{.relation = {},
                       .clean = MadeUpPrompt({7, 300, 21, 150, 9, 88}, {1, 3}),
                       .corrupt = MadeUpPrompt({7, 12, 333, 45, 150, 9, 88}, {1, 4}),
                       .answer_id = 33};
};
INSTANTIATE_TEST_SUITE_P(Models, PatchedRunTest, testing::Values("mamba", "mamba2", "gpt2"));

TEST_P(PatchedRunTest, AgreesWithAWholeRunPatchedByHand) {
  const Place place{Site::kResid, 1};
  const RunResult clean =
      mambascope::Run(model_, {pair_.clean.ids}, {.variants = {}, .keep = {place}, .base = {}});
  const Variant by_hand = {Set{{place.site, place.layer, 3}, clean.State(place, 0)[2]}};
  const PatchedRun run = RunPatched(model_, pair_, {}, {Site::kResid, 1}, 1, 2);
  ExpectClose(run.clean, clean.LastLogits()[0].softmax(0));
  ExpectClose(run.corrupted,
              mambascope::Run(model_, {pair_.corrupt->ids}).LastLogits()[0].softmax(0));
  ExpectClose(run.patched, mambascope::Run(model_, {pair_.corrupt->ids},
                                           {.variants = {by_hand}, .keep = {}, .base = {}})
                               .LastLogits()[0]
                               .softmax(0));
  EXPECT_GT((run.patched - run.corrupted).abs().max().item<double>(), 1e-6)
      << "the restored state moves the output";
}

TEST_P(PatchedRunTest, HoldsTheCellsOfTheTrace) {
  const TraceOptions options{.site = Site::kMixerOut, .window = 3};
  Audit audit;
  const FactTrace trace = TraceFacts(model_, {pair_}, options, audit)[0];
  for (const int64_t token : {1, 2, 3, 5}) {
    for (int layer = 0; layer < model_.layers(); ++layer) {
      const PatchedRun run = RunPatched(model_, pair_, {}, {Site::kMixerOut, 3}, layer, token);
      EXPECT_NEAR(run.patched[33].item<double>(),
                  trace.probs[static_cast<size_t>(token)][static_cast<size_t>(layer)].value(), 1e-7)
          << token << " " << layer;
    }
  }
}

TEST_P(PatchedRunTest, IsTheMeanOverTheSamplesOfNoise) {
  FactPair noisy = pair_;
  noisy.corrupt.reset();
  const Noise noise{.std = 0.3, .samples = 4, .seed = 5};
  Audit audit;
  const FactTrace trace =
      TraceFacts(model_, {noisy}, {.site = Site::kResid, .window = 1, .noise = noise}, audit)[0];
  const PatchedRun run = RunPatched(model_, noisy, noise, {Site::kResid, 1}, 1, 2);
  EXPECT_NEAR(run.corrupted[33].item<double>(), trace.fact.p_corrupt, 1e-7);
  EXPECT_NEAR(run.patched[33].item<double>(), trace.probs[2][1].value(), 1e-7);
  EXPECT_NEAR(run.patched.sum().item<double>(), 1, 1e-5);
}

TEST_P(PatchedRunTest, RefusesCellsThatATraceLacks) {
  const auto run = [&](Site site, int layer, int64_t token) {
    return RunPatched(model_, pair_, {}, {site, 1}, layer, token);
  };
  EXPECT_THROW(run(Site::kResid, 0, 6), Error);
  EXPECT_THROW(run(Site::kResid, 0, -1), Error);
  EXPECT_THROW(run(Site::kResid, model_.layers(), 0), Error);
  EXPECT_THROW(run(Site::kEmbed, 1, 0), Error);
  FactPair longer = pair_;
  std::swap(longer.clean, *longer.corrupt);  // its first subject token has no counterpart
  EXPECT_THROW(RunPatched(model_, longer, {}, {Site::kResid, 1}, 0, 1), Error);
}

}  // namespace
}  // namespace mambascope
