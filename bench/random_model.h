// The models of the benchmarks, and the GEMM rate with which results are compared. The models are
// the bundled ones and models of well-known shapes. The latter have random weights, since the
// values do not affect speed.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "mambascope/checkpoint/checkpoint.h"
#include "mambascope/model/family.h"
#include "mambascope/model/model.h"

namespace mambascope {

// Random weights, which depend on the order of the calls. Decays and norms are those of a newly
// initialised model, so that states neither vanish nor explode.
class RandomSource : public WeightSource {
 public:
  bool Has(const std::string&) const override { return true; }
  at::Tensor Get(const std::string& name, const std::vector<int64_t>& shape) const override {
    if (name.ends_with("A_log")) return at::rand(shape) * 2.7;
    if (name.ends_with("dt_proj.bias") || name.ends_with("dt_bias")) return at::rand(shape) * 4 - 7;
    if (name.ends_with("norm.weight") || name.ends_with("norm_f.weight") || name.ends_with(".D"))
      return at::ones(shape);
    return at::randn(shape) * 0.02;
  }
};

inline Config Mamba130mConfig() {
  return ParseConfig({{"model_type", "mamba"},
                      {"hidden_size", 768},
                      {"num_hidden_layers", 24},
                      {"state_size", 16},
                      {"time_step_rank", 48},
                      {"vocab_size", 50280}},
                     "mamba-130m");
}

inline Config Mamba370mConfig() {
  return ParseConfig({{"model_type", "mamba"},
                      {"hidden_size", 1024},
                      {"num_hidden_layers", 48},
                      {"state_size", 16},
                      {"time_step_rank", 64},
                      {"vocab_size", 50280}},
                     "mamba-370m");
}

inline Config Mamba2_130mConfig() {
  return ParseConfig({{"model_type", "mamba2"},
                      {"hidden_size", 768},
                      {"num_hidden_layers", 24},
                      {"state_size", 128},
                      {"num_heads", 24},
                      {"head_dim", 64},
                      {"n_groups", 1},
                      {"vocab_size", 50288},
                      {"tie_word_embeddings", true}},
                     "mamba2-130m");
}

inline Config Pythia160mConfig() {
  return ParseConfig({{"model_type", "gpt_neox"},
                      {"hidden_size", 768},
                      {"num_hidden_layers", 12},
                      {"num_attention_heads", 12},
                      {"intermediate_size", 3072},
                      {"vocab_size", 50304}},
                     "pythia-160m");
}

// Returns the floating-point operations per token in the weight matrices of all blocks. Norms,
// convolution, recurrence and attention scores are not counted.
inline double BlockFlopsPerToken(const Config& c) {
  const SsmConfig& s = c.ssm;
  const AttentionConfig& a = c.attention;
  int64_t weights = 0;
  if (s.heads > 0)  // Mamba-2
    weights = (3 * s.d_inner + 2 * s.groups * s.d_state + s.heads) * c.d_model;
  else if (s.d_inner > 0)  // Mamba-1
    weights =
        3 * s.d_inner * c.d_model + s.d_inner * (s.dt_rank + 2 * s.d_state) + s.dt_rank * s.d_inner;
  else  // transformers without a gate in the MLP
    weights = (2 * a.heads + 2 * a.kv_heads) * a.head_dim * c.d_model + 2 * c.d_model * c.mlp.width;
  return 2.0 * static_cast<double>(weights * c.layers);
}

using MakeModel = std::function<Model(const ModelOptions&)>;

// Bundled loads a bundled model. Random makes a model with random weights.
inline MakeModel Bundled(const std::string& name) {
  return [name](const ModelOptions& options) {
    return Model::Load(std::string(MAMBASCOPE_ROOT) + "/models/" + name, options);
  };
}
inline MakeModel Random(const Config& config) {
  return [config](const ModelOptions& options) { return Model(config, RandomSource(), options); };
}

// Returns this machine's BLAS speed at the moment: operations per second of a large square product,
// the best of 7.
inline double GemmRate(at::ScalarType dtype) {
  const int64_t n = 1536;
  const at::Tensor a = at::randn({n, n}).to(dtype), b = at::randn({n, n}).to(dtype);
  double best = 0;
  for (int i = 0; i < 8; ++i) {
    const auto start = std::chrono::steady_clock::now();
    at::linear(a, b);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (i > 0) best = std::max(best, 2.0 * static_cast<double>(n * n * n) / seconds);
  }
  return best;
}

inline double Seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Whether the command line selects `name`: an argument is a substring of it, or there are no
// arguments.
inline bool IsWanted(const std::string& name, int argc, char** argv) {
  return argc == 1 || std::any_of(argv + 1, argv + argc, [&](const char* part) {
           return name.find(part) != std::string::npos;
         });
}

// REQUIRES: !values.empty().
inline double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace mambascope
