// Config holds the contents of a config.json. Its fields have the same names for every model family
// and every spelling of config.json.
#pragma once

#include <array>
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
  // Mamba-2: the RMS norm before W_o. It normalises s * g, as the authors do, or s, before the
  // gate.
  enum class GatedNorm { kAfterGate, kBeforeGate, kNone } gated_norm = GatedNorm::kAfterGate;
  // Mamba-2: channel groups of that norm. Each is normalised by its own RMS.
  int64_t norm_groups = 1;
  double norm_eps = 1e-5;  // of that norm
  double dt_min = 0;       // Mamba-2: the step size is clamped to [dt_min, dt_max]
  double dt_max = 0;
  bool in_bias = false, out_bias = false;  // of W_in and W_o
  bool conv_bias = true;
  // Falcon-H1: what z, a, B', C' and dt are multiplied by.
  std::array<double, 5> multipliers = {1, 1, 1, 1, 1};
  // Falcon-Mamba: epsilon of the weightless RMS norms on B, C and dt.
  std::optional<double> bcdt_norm_eps;
  bool bcdt_norm_weights = false;  // Jamba: those norms have weights
};

// A gated DeltaNet.
struct DeltaConfig {
  int64_t key_heads = 0, heads = 0;  // heads / key_heads heads share a query and a key
  int64_t d_key = 0, d_value = 0;    // features of a key and of a value
  int64_t d_conv = 0;                // kernel width of the causal convolution
  double norm_eps = 1e-6;            // of the norm of each head
};

// Rotary position embedding. It rotates feature pair i of `dims` by the angle position *
// frequency_i, where frequency_i = theta^(-2i / dims). `scaling` then changes the frequencies.
struct RopeConfig {
  int64_t dims = 0;  // number of leading features of each head that are rotated; 0: none
  double theta = 10000;
  bool interleaved = false;  // features 2i and 2i + 1 are a pair, instead of i and i + dims / 2
  enum class Scaling { kNone, kLinear, kLlama3, kYarn } scaling = Scaling::kNone;
  double factor = 1;
  double low_frequency_factor = 1, high_frequency_factor = 4;  // kLlama3
  double original_context = 0;                                 // kLlama3 and kYarn
  double beta_fast = 32, beta_slow = 1;                        // kYarn
  bool whole_pairs = true;  // kYarn: the ends of the blend are rounded outwards to whole pairs
  int64_t max_tokens = 0;   // longest prompt for which these frequencies are exact; 0: no limit
  double magnitude = 1;     // of the rotated queries and keys, in which YaRN scales the scores
};

// The mixer of a layer. kSliding: attention with a window. kMlp: the layer has only an MLP.
// kExperts: it has only a mixture of experts. kShared: a shared block and a Mamba mixer.
enum class LayerKind { kMamba, kAttention, kSliding, kMlp, kExperts, kShared };

struct AttentionConfig {
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  bool qkv_bias = false;
  bool out_bias = false;
  double scale = 0;    // of the scores; 0: 1 / sqrt(head_dim)
  double softcap = 0;  // scores s become c tanh(s / c); 0: they do not
  int64_t window = 0;  // a token reads this many, with itself; 0: all
  // RMS norms of queries and keys: over each head, or over all heads together (OLMo 2).
  enum class QkNorm { kNone, kHead, kWhole } qk_norm = QkNorm::kNone;
  bool has_gate = false;  // the output is multiplied by the sigmoid of a projection of the input
  int64_t d_conv = 0;     // width of a causal convolution over queries, keys and values; 0: none
  RopeConfig rope;
};

struct MlpConfig {
  int64_t width = 0;
  Activation activation = Activation::kSilu;
  bool bias = false;
  double gate_scale = 1;  // of the gate before its activation
};

// A mixture of experts (Shazeer et al. 2017). Each token goes to the experts of the largest router
// scores.
struct ExpertsConfig {
  int64_t count = 0;      // 0: there are none
  int64_t per_token = 0;  // experts of a token
  int64_t width = 0;      // of the hidden layer of one expert
  // A router turns its logits into scores: their softmax over all experts, or a sigmoid of each.
  enum class Scores { kSoftmax, kSigmoid } scores = Scores::kSoftmax;
  bool shares_add_to_one = true;  // the scores of a token's experts are divided by their sum
  double share_scale = 1;         // by which all shares are multiplied
  Activation activation = Activation::kSilu;
  bool has_gate = true;           // an expert is a gated MLP; else an MLP without a gate
  std::vector<bool> layers = {};  // which layers have them; empty: all
  MlpConfig shared_expert = {};   // an MLP of every token, which Qwen and Nemotron-H add
};

// Zamba2: blocks of attention and an MLP that several layers share. Each layer adds products of two
// small matrices ("adapters") to some of their weights.
struct SharedBlocksConfig {
  int64_t count = 0;  // the layers take turns in using them
  int64_t adapter_rank = 0;
  bool attention_adapters = false;  // besides those of the MLP
};

// Falcon-H1: multipliers of what its parts read and write.
struct BranchScales {
  double ssm_in = 1, ssm_out = 1, attention_in = 1, attention_out = 1, mlp_out = 1;
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
  double norm_offset = 0;  // added to the stored weights of RMS norms: 1 in Gemma
  bool tied_embeddings = false;
  bool unembedding_bias = false;
  bool parallel_residual = false;  // GPT-NeoX: attention and MLP read the same input
  int64_t positions = 0;           // rows of a learned position table; 0: none
  int64_t max_tokens = 0;          // longest prompt that can be computed exactly; 0: no limit
  int64_t trained_tokens = 0;      // longest text with rotary positions in training; 0: not known
  // The field of config.json that sets max_tokens: "n_positions" or "max_position_embeddings".
  std::string max_tokens_reason;
  double embedding_scale = 1, residual_scale = 1, logit_scale = 1;  // multipliers
  double logit_softcap = 0;  // logits l become c tanh(l / c); 0: they do not
  BranchScales branches = {};
  std::vector<LayerKind> layer_kinds = {};  // by layer; empty: all layers are alike
  SsmConfig ssm;
  DeltaConfig delta;
  AttentionConfig attention;
  RopeConfig sliding_rope;  // of layers of kSliding, where it differs
  MlpConfig mlp;
  ExpertsConfig experts;
  SharedBlocksConfig shared;
};

// Returns the kind of layer `layer`, from 0. REQUIRES: the layers are not all alike.
LayerKind KindOf(const Config& config, int64_t layer);
// Whether layer `layer`, from 0, has a mixture of experts. REQUIRES: its kind does not say so.
bool HasExperts(const Config& config, int64_t layer);
// Returns the attention of layer `layer`, from 0, whose window and rotary positions may be its own.
AttentionConfig AttentionOf(const Config& config, int64_t layer);

}  // namespace mambascope
