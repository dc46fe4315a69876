// Compares a sweep with one whole pass per cell, on the same cells in one run. The cells are causal
// traces and knockouts of random prompts. By default they have 12 tokens and one fact.
//   ./dev bench
// The two methods take turns in each round. bench/results.md quotes medians over 7 rounds.
//
// "of GEMM" compares the rate of the sweep's weight-matrix products with the BLAS rate on a large
// square product in the same round. The products include base runs and unembedding, but not
// convolution, recurrence, norms and attention scores.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>

#include "bench/random_model.h"
#include "mambascope/cli/tuned_start.h"
#include "mambascope/intervene/run.h"
#include "mambascope/intervene/sweep.h"
#include "mambascope/model/threads.h"

namespace mambascope {
namespace {

constexpr int kRounds = 7;

std::vector<int64_t> RandomPrompt(const Model& model, int64_t tokens) {
  const at::Tensor ids = at::randint(model.config().vocab, {tokens}, at::kLong);
  return {ids.data_ptr<int64_t>(), ids.data_ptr<int64_t>() + tokens};
}

struct Work {
  std::vector<SweepBase> bases;
  std::vector<SweepCase> cells;
};

// Makes the cells of knockouts. For each fact and each set of sources, every window of `window`
// layers hides the sources from the last token.
Work MakeKnockouts(const Model& model, int facts, int64_t tokens,
                   const std::vector<std::vector<int64_t>>& sources, int window) {
  Work work;
  for (int fact = 0; fact < facts; ++fact) {
    work.bases.push_back({RandomPrompt(model, tokens)});
    for (const std::vector<int64_t>& from : sources) {
      for (int l = 0; l + window <= model.layers(); ++l) {
        Variant cut;
        for (int w = l; w < l + window; ++w) cut.push_back(Cut{w, from, {tokens - 1}});
        work.cells.push_back({static_cast<size_t>(fact), cut});
      }
    }
  }
  return work;
}

// Makes the cells of traces. For each fact and site, each cell restores one token in `window`
// layers around a layer.

Work MakeWork(const Model& model, int facts, int64_t tokens, const std::vector<Site>& sites,
              int window) {
  Work work;
  std::vector<Place> places;
  for (Site site : sites) {
    for (int l = 0; l < model.layers(); ++l) places.push_back({site, l});
  }
  for (int fact = 0; fact < facts; ++fact) {
    const RunResult clean =
        Run(model, {RandomPrompt(model, tokens)}, {.variants = {}, .keep = places});
    work.bases.push_back({RandomPrompt(model, tokens)});
    for (Site site : sites) {
      for (int l = 0; l < model.layers(); ++l) {
        for (int64_t t = 0; t < tokens; ++t) {
          Variant restore;
          for (int w = std::max(0, l - window / 2);
               w < std::min(model.layers(), l - window / 2 + window); ++w)
            restore.push_back(Set{{site, w, t}, clean.State({site, w}, 0)[t]});
          work.cells.push_back({static_cast<size_t>(fact), restore});
        }
      }
    }
  }
  return work;
}

constexpr int64_t kAnswer = 17;

// Computes every `stride`th cell by a whole pass. All passes cost the same, so these give the rate
// for all cells.
std::vector<double> Looped(const Model& model, const Work& work, size_t stride) {
  std::vector<double> p;
  for (size_t i = 0; i < work.cells.size(); i += stride) {
    const SweepCase& cell = work.cells[i];
    const RunResult run =
        Run(model, {work.bases[cell.base].ids}, {.variants = {cell.variant}, .keep = {}});
    p.push_back(run.Logits(0)[-1].softmax(0)[kAnswer].item<double>());
  }
  return p;
}

at::Tensor Swept(const Model& model, const Work& work) {
  std::vector<at::Tensor> p = {at::empty({0})};
  model.UnembedInParts(Sweep(model, work.bases, work.cells),
                       [&](int64_t, const at::Tensor& logits) {
                         p.push_back(logits.log_softmax(1).select(1, kAnswer).exp());
                       });
  return at::cat(p);
}

double Difference(const std::vector<double>& looped, const at::Tensor& swept, size_t stride) {
  double largest = 0;
  for (size_t i = 0; i < looped.size(); ++i)
    largest = std::max(
        largest, std::abs(looped[i] - swept[static_cast<int64_t>(i * stride)].item<double>()) /
                     std::max(looped[i], 1e-12));
  return largest;
}

void Header() {
  fmt::print("{:<42} {:>7} {:>11} {:>11} {:>7} {:>8} {:>9} {:>10}\n", "work", "cells", "looped/s",
             "sweep/s", "ratio", "of GEMM", "of naive", "difference");
}

// `passes` is the approximate number of whole passes that the looped method makes in a round.
void Compare(const std::string& name, const Model& model, at::ScalarType dtype, const Work& work,
             size_t passes) {
  const size_t stride = std::max<size_t>(1, work.cells.size() / passes),
               looped_cells = (work.cells.size() + stride - 1) / stride;
  const SweepPlan plan = PlanSweep(model, work.bases, work.cells);
  const Config& c = model.config();
  const double flops = static_cast<double>(plan.layer_tokens) * BlockFlopsPerToken(c) /
                           static_cast<double>(c.layers) +
                       2.0 * static_cast<double>(plan.cases * c.vocab * c.d_model);
  std::vector<double> looped_s, sweep_s, gemm;
  double difference = 0;
  for (int round = -1; round < kRounds; ++round) {  // the first round warms up
    std::vector<double> looped;
    at::Tensor swept;
    const double rate = GemmRate(dtype), a = Seconds([&] { looped = Looped(model, work, stride); }),
                 b = Seconds([&] { swept = Swept(model, work); });
    difference = std::max(difference, Difference(looped, swept, stride));
    if (round < 0) continue;
    gemm.push_back(rate);
    looped_s.push_back(a / static_cast<double>(looped_cells));
    sweep_s.push_back(b / static_cast<double>(work.cells.size()));
  }
  const double each = Median(sweep_s);
  fmt::print(
      "{:<42} {:>7} {:>11.1f} {:>11.1f} {:>7.1f} {:>7.0f}% {:>8.1f}% {:>10.1e}\n", name,
      work.cells.size(), 1 / Median(looped_s), 1 / each, Median(looped_s) / each,
      100 * flops / static_cast<double>(plan.cases) / each / Median(gemm),
      100.0 * static_cast<double>(plan.layer_tokens) / static_cast<double>(plan.naive_layer_tokens),
      difference);
  std::fflush(stdout);
}

struct Subject {
  std::string name;
  MakeModel make;
  size_t passes;                      // whole passes of the looped method in a round
  int facts = 1;                      // facts of the sweep over many facts
  std::vector<int64_t> lengths = {};  // prompt lengths, to show how the cost grows
};

void BenchTraces(const Subject& subject, const Model& model) {
  const bool mamba = !model.LayersWith(Site::kSsmOut).empty();
  const std::vector<Site> four =
      mamba ? std::vector{Site::kMixerOut, Site::kSsmOut, Site::kGate, Site::kConvIn}
            : std::vector{Site::kMixerOut, Site::kMixed, Site::kMlpMid, Site::kMlpOut};
  const int window = std::max(1, model.layers() * 10 / 64);
  const auto resid = [&](const Model& m, int facts, int64_t tokens) {
    return MakeWork(m, facts, tokens, {Site::kResid}, 1);
  };
  Compare(subject.name + " resid", model, at::kFloat, resid(model, 1, 12), subject.passes);
  if (subject.facts > 1)
    Compare(fmt::format("{} resid, {} facts", subject.name, subject.facts), model, at::kFloat,
            resid(model, subject.facts, 12), subject.passes);
  Compare(fmt::format("{} 4 sites, window {}", subject.name, window), model, at::kFloat,
          MakeWork(model, 1, 12, four, window), subject.passes);
  for (int64_t tokens : subject.lengths)
    Compare(fmt::format("{} resid, {} tokens", subject.name, tokens), model, at::kFloat,
            resid(model, 1, tokens), subject.passes / 4);
  const Model half = subject.make({.dtype = at::kBFloat16});
  Compare(subject.name + " resid, bfloat16", half, at::kBFloat16, resid(half, 1, 12),
          subject.passes);
}

void BenchKnockouts(const Subject& subject, const Model& model) {
  // The sources are the first token, the subject, the relation or the last token.
  const std::vector<std::vector<int64_t>> sets = {
      {0}, {2, 3, 4, 5}, {0, 1, 6, 7, 8, 9, 10, 11}, {11}};
  std::vector<std::vector<int64_t>> each_token;
  for (int64_t t = 0; t < 12; ++t) each_token.push_back({t});
  const int layers = std::max(1, model.layers() / 7);
  const auto knockout = [&](const std::string& name, int facts,
                            const std::vector<std::vector<int64_t>>& from) {
    Compare(fmt::format("{} knockout, window {}{}", subject.name, layers, name), model, at::kFloat,
            MakeKnockouts(model, facts, 12, from, layers), subject.passes);
  };
  knockout(", 4 sets", 1, sets);
  knockout(", 4 sets, 8 facts", 8, sets);
  knockout(", heat map", 1, each_token);
}

}  // namespace
}  // namespace mambascope

// mambascope_sweep_bench [NAME...] runs the benchmarks whose names contain one of the arguments,
// such as "mamba-130m", "knockouts" or "demo-mamba traces"; without arguments, all.
int main(int argc, char** argv) {
  using namespace mambascope;
  c10::NoGradGuard no_grad;
  StartTuned(argv);
  SetThreads(0);
  KeepFreedMemory();
  const std::vector<Subject> subjects = {
      {"demo-mamba", Bundled("demo-mamba"), 256, 16, {6, 24, 48}},
      {"demo-mamba2", Bundled("demo-mamba2"), 256, 16},
      {"demo-neox", Bundled("demo-neox"), 256, 16},
      {"mamba-130m", Random(Mamba130mConfig()), 32, 1, {6, 24, 48}},
      {"mamba-370m", Random(Mamba370mConfig()), 16},
      {"pythia-160m", Random(Pythia160mConfig()), 32}};
  Header();
  for (const Subject& subject : subjects) {
    const bool traces = IsWanted(subject.name + " traces", argc, argv),
               knockouts = IsWanted(subject.name + " knockouts", argc, argv);
    if (!traces && !knockouts) continue;
    at::manual_seed(1);
    const Model model = subject.make({});
    if (traces) BenchTraces(subject, model);
    if (knockouts) BenchKnockouts(subject, model);
  }
  return 0;
}
