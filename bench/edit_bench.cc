// Compares ROME's value search by a repeated sweep with the same search by whole passes, on the
// same prompts in one run.
//   ./dev bench
// The two methods take turns in each round. bench/results.md quotes medians over the rounds.
//
// As published, one edit has 21 contexts and the essence prompt. The contexts are the bare prompt,
// 10 with 6 tokens before it and 10 with 11. The looped method computes all tokens and layers in
// each pass, and the logits of all tokens. The public implementations do the same, but here the
// prompts are packed without padding. "of GEMM" compares the rate of the sweep's weight-matrix
// products, forward and backward, with the BLAS rate on a large square product in the same round.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>

#include "bench/random_model.h"
#include "mambascope/cli/tuned_start.h"
#include "mambascope/experiments/editing/value_search.h"
#include "mambascope/model/threads.h"

namespace mambascope {
namespace {

constexpr int kSteps = 4;        // passes of a search here; a published edit has 20
constexpr int64_t kPrompt = 10;  // tokens
constexpr int64_t kSubjectLast = 4;
constexpr int64_t kTarget = 2;

std::vector<int64_t> RandomIds(const Model& model, int64_t tokens) {
  const at::Tensor ids = at::randint(model.config().vocab, {tokens}, at::kLong);
  return {ids.data_ptr<int64_t>(), ids.data_ptr<int64_t>() + tokens};
}

RewritePrompts RandomRewrite(const Model& model) {
  RewritePrompts rewrite;
  const std::vector<int64_t> prompt = RandomIds(model, kPrompt);
  for (int i = 0; i < 21; ++i) {
    const int64_t before = i == 0 ? 0 : i <= 10 ? 6 : 11;
    std::vector<int64_t> ids = RandomIds(model, before);
    ids.insert(ids.end(), prompt.begin(), prompt.end());
    rewrite.prompts.push_back({ids, before + kSubjectLast});
  }
  rewrite.target = RandomIds(model, kTarget);
  rewrite.essence = {RandomIds(model, 5), 2};
  return rewrite;
}

// Compares the two methods on `edits` edits at `layer`, of the projection that published edits
// change.
void Compare(const std::string& name, const Model& model, int layer, int edits, int rounds) {
  at::manual_seed(1);
  std::vector<RewritePrompts> rewrites;
  for (int i = 0; i < edits; ++i) rewrites.push_back(RandomRewrite(model));
  const Place at{model.layer(layer).editable().back().value, layer};
  std::vector<ValueTask> tasks;
  int64_t rows = 0, reads = 0;
  for (const RewritePrompts& rewrite : rewrites) {
    tasks.push_back({&rewrite, at, TokenStates(model, {rewrite.prompts[0]}, {at}).at(at)[0]});
    rows += 21 * (kPrompt - kSubjectLast + kTarget - 1) + 1;
    reads += 21 * kTarget + 1;
  }
  ValueOptions swept{
      .steps = kSteps, .enough_loss = -1, .enough_p = 2, .memory = int64_t{12} << 30},
      looped = swept;
  looped.by = ValueOptions::By::kRun;
  const Config& c = model.config();
  const double flops = 2 * (static_cast<double>(rows * (model.layers() - layer - 1)) *
                                BlockFlopsPerToken(c) / static_cast<double>(c.layers) +
                            2.0 * static_cast<double>(reads * c.vocab * c.d_model));
  std::vector<double> swept_s, looped_s, gemm;
  double difference = 0;
  for (int round = -1; round < rounds; ++round) {  // the first round warms up
    std::vector<FoundValue> a, b;
    const double rate = GemmRate(at::kFloat),
                 by_run = Seconds([&] { a = SearchValues(model, {tasks[0]}, looped); }),
                 by_sweep = Seconds([&] { b = SearchValues(model, tasks, swept); });
    difference =
        std::max(difference, ((a[0].delta - b[0].delta).norm() / a[0].delta.norm()).item<double>());
    if (round < 0) continue;
    gemm.push_back(rate);
    looped_s.push_back(by_run / kSteps);
    swept_s.push_back(by_sweep / kSteps / edits);
  }
  const double pass = Median(swept_s);
  fmt::print("{:<34} {:>5} {:>12.0f} {:>11.0f} {:>7.1f} {:>7.0f}% {:>11.0f} {:>11.1e}\n", name,
             edits, 1e3 * Median(looped_s), 1e3 * pass, Median(looped_s) / pass,
             100 * flops / static_cast<double>(edits) / pass / Median(gemm), 3600 / (20 * pass),
             difference);
  std::fflush(stdout);
}

}  // namespace
}  // namespace mambascope

// mambascope_edit_bench [NAME...] runs the models whose names contain one of the arguments; without
// arguments, all models.
int main(int argc, char** argv) {
  using namespace mambascope;
  c10::NoGradGuard no_grad;
  StartTuned(argv);
  SetThreads(0);
  KeepFreedMemory();
  struct Subject {
    std::string name;
    MakeModel make;
    int together;
    int rounds;
  };
  const std::vector<Subject> subjects = {{"demo-mamba", Bundled("demo-mamba"), 16, 7},
                                         {"demo-mamba2", Bundled("demo-mamba2"), 16, 7},
                                         {"demo-neox", Bundled("demo-neox"), 16, 7},
                                         {"mamba-130m", Random(Mamba130mConfig()), 4, 5},
                                         {"pythia-160m", Random(Pythia160mConfig()), 4, 5}};
  fmt::print("{:<34} {:>5} {:>12} {:>11} {:>7} {:>8} {:>11} {:>11}\n", "value search", "edits",
             "looped ms", "sweep ms", "ratio", "of GEMM", "edits/hour", "difference");
  for (const Subject& subject : subjects) {
    if (!IsWanted(subject.name, argc, argv)) continue;
    const Model model = subject.make({});
    for (const double depth : {0.0, 0.25, 0.5, 0.75}) {
      const int layer = static_cast<int>(depth * model.layers());
      Compare(fmt::format("{} layer {}", subject.name, layer), model, layer, 1, subject.rounds);
    }
    Compare(fmt::format("{} layer {}", subject.name, model.layers() / 4), model, model.layers() / 4,
            subject.together, subject.rounds);
  }
  return 0;
}
