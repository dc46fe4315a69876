// Compares the Jacobians of all layers from one backward sweep with one sweep per layer. The prompt
// is random and as long as 5 examples and a question. The subject's last token and all later tokens
// are recomputed. The operator of a relation takes 5 such prompts.
//   build/mambascope_lre_bench [MODEL..]
//
// "of GEMM" compares the rate of the backward sweep's weight-matrix products with the BLAS rate on
// a large square product.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "bench/random_model.h"
#include "mambascope/cli/tuned_start.h"
#include "mambascope/experiments/lre/jacobian.h"
#include "mambascope/model/threads.h"

namespace mambascope {
namespace {

constexpr int64_t kTokens = 60, kSuffix = 7;

void BenchJacobians(const std::string& name, const Model& model, int rounds) {
  const at::Tensor ids = at::randint(model.config().vocab, {kTokens}, at::kLong);
  const PromptToken prompt{{ids.data_ptr<int64_t>(), ids.data_ptr<int64_t>() + kTokens},
                           kTokens - kSuffix};
  std::vector<int> layers;
  for (int l = kEmbedLayer; l < model.layers(); ++l) layers.push_back(l);
  std::vector<double> together, apart, rates;
  double difference = 0;
  Jacobians(model, prompt, layers);  // warms up: maps the memory
  for (int round = 0; round < rounds; ++round) {
    StateJacobians all;
    together.push_back(Seconds([&] { all = Jacobians(model, prompt, layers); }));
    apart.push_back(Seconds([&] {
      for (size_t i = 0; i < layers.size(); ++i) {
        const at::Tensor alone = Jacobians(model, prompt, {layers[i]}).w[0],
                         w = all.w[static_cast<int64_t>(i)];
        difference =
            std::max(difference, ((alone - w).abs().max() / (1e-9 + w.abs().max())).item<double>());
      }
    }));
    rates.push_back(GemmRate(at::kFloat));
  }
  const double flops =
      static_cast<double>(model.config().d_model * kSuffix) * BlockFlopsPerToken(model.config());
  const double s = Median(together), share = flops / s / Median(rates);
  fmt::print("| {} | {} | {:.2f} | {:.2f} | {:.1f} | {:.0f} % | {:.1e} |\n", name, layers.size(), s,
             Median(apart), Median(apart) / s, 100 * share, difference);
}

}  // namespace
}  // namespace mambascope

int main(int argc, char** argv) {
  using namespace mambascope;
  c10::NoGradGuard no_grad;
  StartTuned(argv);
  SetThreads(0);
  KeepFreedMemory();
  fmt::print(
      "| model | layers | all at once, s per prompt | one per layer, s | ratio | of GEMM | "
      "relative difference "
      "|\n|---|---|---|---|---|---|---|\n");
  struct Subject {
    std::string name;
    MakeModel make;
    int rounds;
  };
  const std::vector<Subject> subjects = {{"demo-mamba", Bundled("demo-mamba"), 5},
                                         {"demo-mamba2", Bundled("demo-mamba2"), 5},
                                         {"demo-neox", Bundled("demo-neox"), 5},
                                         {"mamba-130m shape", Random(Mamba130mConfig()), 1},
                                         {"pythia-160m shape", Random(Pythia160mConfig()), 1}};
  for (const auto& [name, make, rounds] : subjects) {
    if (!IsWanted(name, argc, argv)) continue;
    at::manual_seed(1);
    BenchJacobians(name, make({}), rounds);
  }
  return 0;
}
