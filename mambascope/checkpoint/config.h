// What a checkpoint's config.json says, in one set of words for every family and every spelling.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

// The model files of model/. A family that differs by a detail shares one: Falcon-Mamba is kMamba1,
// Mistral and Qwen2 are kLlama.
enum class Architecture { kMamba1, kMamba2, kNeox, kGpt2, kLlama };

enum class Activation { kSilu, kGelu, kGeluTanh, kRelu };

struct SsmConfig {
  int64_t d_inner = 0;   // channels of the recurrence
  int64_t d_state = 0;   // N
  int64_t d_conv = 0;    // taps of the causal convolution
  int64_t dt_rank = 0;   // Mamba-1: rank of the step size's projection
  int64_t heads = 0;     // Mamba-2: d_inner = heads * head_dim
  int64_t head_dim = 0;  // P
  int64_t groups = 1;    // Mamba-2: heads that share B and C
  int64_t norm_groups =
      1;              // Mamba-2: parts of the width that the gated norm scales each by its own RMS
  double dt_min = 0;  // Mamba-2: the step size is clamped to [dt_min, dt_max]
  double dt_max = 0;
  bool projection_bias = false;
  bool conv_bias = true;
  std::optional<double> bcdt_norm_eps;  // Falcon-Mamba: RMS norms without weights on B, C and dt
};

// Rotary position embedding: feature pair i of `dims` turns by position * frequency_i, frequency_i
// = theta^(-2i / dims), then scaled.
struct RopeConfig {
  int64_t dims = 0;  // leading features of each head that turn; 0: none
  double theta = 10000;
  enum class Scaling { kNone, kLinear, kLlama3 } scaling = Scaling::kNone;
  double factor = 1;
  double low_frequency_factor = 1, high_frequency_factor = 4, original_context = 8192;  // kLlama3
};

struct AttentionConfig {
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  bool qkv_bias = false;
  bool out_bias = false;
  RopeConfig rope;
};

struct MlpConfig {
  int64_t width = 0;
  Activation activation = Activation::kSilu;
  bool bias = false;
};

struct Config {
  std::string model_type;  // the checkpoint's own word: "mamba", "falcon_mamba", "qwen2", ...
  Architecture architecture = Architecture::kMamba1;
  int64_t layers = 0;
  int64_t d_model = 0;
  int64_t vocab = 0;  // rows of the embedding, padding included
  double norm_eps = 1e-5;
  bool tied_embeddings = false;
  bool parallel_residual = false;  // GPT-NeoX
  int64_t positions = 0;           // rows of a learned position table; 0: none
  int64_t max_tokens = 0;  // longest prompt that is computed as the model was made; 0: no limit
  std::string max_tokens_reason;  // "n_positions", "sliding_window"
  SsmConfig ssm;
  AttentionConfig attention;
  MlpConfig mlp;
};

// Reads a Hugging Face config (model_type mamba, mamba2, falcon_mamba, gpt_neox, gpt2, llama,
// mistral or qwen2) or an original state-spaces config (d_model, n_layer, ssm_cfg). Throws Error
// for anything it cannot honour: nothing that changes the numbers is ignored.
Config ParseConfig(const Json& json, const std::string& name);
Config ReadConfig(const std::filesystem::path& path);

}  // namespace mambascope
