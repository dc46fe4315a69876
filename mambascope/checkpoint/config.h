// Config holds the contents of a config.json. Its fields have the same names for every model family
// and every spelling of config.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mambascope {

struct Family;  // model/families/families.h

enum class Activation { kSilu, kGelu, kGeluTanh, kRelu, kRelu2 };  // kRelu2: squared

struct SsmConfig {
  int64_t d_inner = 0;   // channels of the recurrence
  int64_t d_state = 0;   // state size N
  int64_t d_conv = 0;    // kernel width of the causal convolution
  int64_t dt_rank = 0;   // Mamba-1: rank of the projection to the step size dt
  int64_t heads = 0;     // Mamba-2: d_inner = heads * head_dim
  int64_t head_dim = 0;  // P, channels per head
  int64_t groups = 1;    // Mamba-2: number of head groups; the heads of a group share B and C
  // Mamba-2: channel groups of the gated RMS norm. Each is normalised by its own RMS.
  int64_t norm_groups = 1;
  double norm_eps = 1e-5;  // of that norm
  double dt_min = 0;       // Mamba-2: the step size is clamped to [dt_min, dt_max]
  double dt_max = 0;
  bool projection_bias = false;
  bool conv_bias = true;
  // Falcon-Mamba: epsilon of the weightless RMS norms on B, C and dt.
  std::optional<double> bcdt_norm_eps;
};

// Rotary position embedding. It rotates feature pair i of `dims` by the angle position *
// frequency_i, where frequency_i = theta^(-2i / dims). `scaling` then changes the frequencies.
struct RopeConfig {
  int64_t dims = 0;  // number of leading features of each head that are rotated; 0: none
  double theta = 10000;
  enum class Scaling { kNone, kLinear, kLlama3 } scaling = Scaling::kNone;
  double factor = 1;
  double low_frequency_factor = 1, high_frequency_factor = 4, original_context = 8192;  // kLlama3
};

// The mixer of a layer; kMlp: it has only an MLP.
enum class LayerKind { kMamba, kAttention, kMlp };

struct AttentionConfig {
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  bool qkv_bias = false;
  bool out_bias = false;
  double scale = 0;  // of the scores; 0: 1 / sqrt(head_dim)
  RopeConfig rope;
};

struct MlpConfig {
  int64_t width = 0;
  Activation activation = Activation::kSilu;
  bool bias = false;
};

// A mixture of experts (Shazeer et al. 2017). Each token goes to the experts of the largest router
// scores.
struct ExpertsConfig {
  int64_t count = 0;      // 0: there are none
  int64_t per_token = 0;  // experts of a token
  int64_t width = 0;      // of the hidden layer of one expert
};

struct Config {
  std::string model_type;  // as spelled in config.json: "mamba", "falcon_mamba", "qwen2", ...
  // model_type of the multimodal model whose text model this is; empty: there is none.
  std::string wrapper;
  const Family* family = nullptr;  // says how such a model is built
  int64_t layers = 0;
  int64_t d_model = 0;
  int64_t vocab = 0;  // rows of the embedding, including padding rows
  double norm_eps = 1e-5;
  bool tied_embeddings = false;
  bool parallel_residual = false;  // GPT-NeoX: attention and MLP read the same input
  int64_t positions = 0;           // rows of a learned position table; 0: none
  int64_t max_tokens = 0;          // longest prompt that can be computed exactly; 0: no limit
  // The field of config.json that sets max_tokens: "n_positions" or "sliding_window".
  std::string max_tokens_reason;
  double embedding_scale = 1, residual_scale = 1, logit_scale = 1;  // multipliers
  std::vector<LayerKind> layer_kinds = {};  // by layer; empty: all layers are alike
  SsmConfig ssm;
  AttentionConfig attention;
  MlpConfig mlp;
  ExpertsConfig experts;
};

}  // namespace mambascope
