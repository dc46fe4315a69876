// Measures prefill: prompt tokens per second, and the rate of the blocks' weight-matrix products as
// a share of the machine's GEMM rate.
//   ./dev bench [--benchmark_filter=...]
// bench/results.md quotes medians of 7 runs.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <c10/core/GradMode.h>

#include <memory>

#include "bench/random_model.h"
#include "mambascope/cli/tuned_start.h"
#include "mambascope/model/threads.h"

namespace mambascope {
namespace {

void Prefill(benchmark::State& state, const MakeModel& make, at::ScalarType dtype) {
  c10::NoGradGuard no_grad;
  const Model model = make({.dtype = dtype});
  const int64_t prompts = state.range(0), length = state.range(1), tokens = prompts * length;
  const std::vector<int64_t> ids(static_cast<size_t>(tokens), 11);
  const Packing packing =
      Packing::Whole(std::vector<int64_t>(static_cast<size_t>(prompts), length));
  const at::Tensor last = at::tensor(packing.LastRows(), at::kLong);
  const double gemm = GemmRate(dtype);
  for (auto _ : state) {
    const at::Tensor logits = model.Unembed(model.Forward(ids, packing).index_select(0, last));
    benchmark::DoNotOptimize(logits.data_ptr());
  }
  const double blocks = BlockFlopsPerToken(model.config()) * static_cast<double>(tokens);
  const double unembedding =
      2.0 * static_cast<double>(prompts * model.config().vocab * model.config().d_model);
  state.counters["tokens/s"] = benchmark::Counter(static_cast<double>(tokens),
                                                  benchmark::Counter::kIsIterationInvariantRate);
  state.counters["flop/s"] =
      benchmark::Counter(blocks + unembedding, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["gemm_flop/s"] = gemm;
  state.counters["of_gemm"] = benchmark::Counter((blocks + unembedding) / gemm,
                                                 benchmark::Counter::kIsIterationInvariantRate);
}

void Register(const std::string& name, const MakeModel& make) {
  for (const auto& [suffix, dtype] :
       {std::pair("float32", at::kFloat), std::pair("bfloat16", at::kBFloat16)}) {
    benchmark::RegisterBenchmark(
        ("prefill/" + name + "/" + suffix).c_str(),
        [make, dtype = dtype](benchmark::State& state) { Prefill(state, make, dtype); })
        ->ArgNames({"prompts", "tokens"})
        ->Args({1, 12})
        ->Args({16, 12})
        ->Args({1, 512})
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime()
        ->Repetitions(7)
        ->ReportAggregatesOnly(true);
  }
}

}  // namespace
}  // namespace mambascope

int main(int argc, char** argv) {
  mambascope::StartTuned(argv);
  mambascope::SetThreads(0);
  mambascope::KeepFreedMemory();
  mambascope::Register("demo-mamba", mambascope::Bundled("demo-mamba"));
  mambascope::Register("demo-mamba2", mambascope::Bundled("demo-mamba2"));
  mambascope::Register("demo-neox", mambascope::Bundled("demo-neox"));
  mambascope::Register("mamba-130m", mambascope::Random(mambascope::Mamba130mConfig()));
  mambascope::Register("mamba2-130m", mambascope::Random(mambascope::Mamba2_130mConfig()));
  mambascope::Register("pythia-160m", mambascope::Random(mambascope::Pythia160mConfig()));
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
