#include "mambascope/checkpoint/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "mambascope/error.h"
#include "mambascope/plural.h"

namespace mambascope {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A JSON object and its name, which every error message contains.
class Fields {
 public:
  Fields(const Json& json, std::string name) : json_(json), name_(std::move(name)) {
    if (!json_.is_object()) throw Error(name_ + ": not a JSON object");
  }

  bool Has(const char* key) const { return json_.contains(key) && !json_[key].is_null(); }
  bool IsNull(const char* key) const { return json_.contains(key) && json_[key].is_null(); }
  const Json& Raw(const char* key) const { return json_[key]; }
  Fields Sub(const char* key) const {
    return {json_[key], fmt::format("{}: field '{}'", name_, key)};
  }

  template <typename T>
  T Get(const char* key) const {
    if (!Has(key)) throw Error(fmt::format("{}: lacks the field '{}'", name_, key));
    const Json& value = json_[key];
    bool right = value.is_number();
    if constexpr (std::is_same_v<T, bool>) right = value.is_boolean();
    else if constexpr (std::is_integral_v<T>) right = value.is_number_integer();
    else if constexpr (std::is_same_v<T, std::string>) right = value.is_string();
    if (!right)
      throw Error(fmt::format("{}: field '{}' has the value {}, which has the wrong type", name_,
                              key, value.dump()));
    return value.get<T>();
  }
  template <typename T>
  T Get(const char* key, T otherwise) const {
    return Has(key) ? Get<T>(key) : otherwise;
  }
  // Reads a size: at least 1, and at most 2^30 so that products of sizes do not overflow.
  int64_t Size(const char* key) const {
    const auto value = Get<int64_t>(key);
    if (value < 1 || value > 1 << 30)
      throw Error(fmt::format("{}: field '{}' is {}; expected a positive size of at most 2^30",
                              name_, key, value));
    return value;
  }
  int64_t Size(const char* key, int64_t otherwise) const {
    return Has(key) ? Size(key) : otherwise;
  }

  // A finite number above 0.
  double Positive(const char* key) const {
    const auto value = Get<double>(key);
    if (!(value > 0) || !std::isfinite(value))
      throw Error(
          fmt::format("{}: field '{}' is {}; expected a positive number", name_, key, value));
    return value;
  }
  double Positive(const char* key, double otherwise) const {
    return Has(key) ? Positive(key) : otherwise;
  }

  // Throws Error unless `key` is absent or has this value.
  template <typename T>
  void Demand(const char* key, const T& value) const {
    if (Has(key) && Get<T>(key) != value) Refuse(key);
  }
  [[noreturn]] void Refuse(const char* key) const {
    throw Error(fmt::format("{}: field '{}' has the value {}, which is not supported", name_, key,
                            json_[key].dump()));
  }
  [[noreturn]] void Fail(const std::string& what) const {
    throw Error(fmt::format("{}: {}", name_, what));
  }

 private:
  const Json& json_;
  std::string name_;
};

Activation ReadActivation(const Fields& f, const char* key, const std::string& otherwise) {
  const auto word = f.Get<std::string>(key, otherwise);
  if (word == "silu" || word == "swish") return Activation::kSilu;
  if (word == "gelu") return Activation::kGelu;
  if (word == "gelu_new" || word == "gelu_fast" || word == "gelu_pytorch_tanh")
    return Activation::kGeluTanh;
  if (word == "relu") return Activation::kRelu;
  if (word == "relu2") return Activation::kRelu2;
  f.Refuse(key);
}

// The fields that most families share. `eps` names the norms' epsilon.
void ReadSizes(const Fields& f, Config& c, const char* eps, double otherwise, bool tied) {
  c.d_model = f.Size("hidden_size");
  c.layers = f.Size("num_hidden_layers");
  c.norm_eps = f.Positive(eps, otherwise);
  c.tied_embeddings = f.Get<bool>("tie_word_embeddings", tied);
}

void DemandSilu(const Fields& f) {
  if (ReadActivation(f, "hidden_act", "silu") != Activation::kSilu) f.Refuse("hidden_act");
}

// Before version 5, transformers stores this as rope_scaling {"type" or "rope_type"}. From version
// 5 it is rope_parameters {"rope_type", "rope_theta"}.
void ReadRopeScaling(const Fields& scaling, RopeConfig& rope) {
  const auto type =
      scaling.Get<std::string>("rope_type", scaling.Get<std::string>("type", "default"));
  if (type == "default") return;
  rope.factor = scaling.Positive("factor");
  if (type == "linear") {
    rope.scaling = RopeConfig::Scaling::kLinear;
  } else if (type == "llama3") {
    rope.scaling = RopeConfig::Scaling::kLlama3;
    rope.low_frequency_factor = scaling.Positive("low_freq_factor");
    rope.high_frequency_factor = scaling.Positive("high_freq_factor");
    rope.original_context = scaling.Positive("original_max_position_embeddings");
  } else {
    scaling.Fail(fmt::format("rope type '{}' is not supported", type));
  }
}

RopeConfig ReadRope(const Fields& f, int64_t head_dim, double otherwise_fraction) {
  RopeConfig rope;
  double fraction =
      f.Get<double>("partial_rotary_factor", f.Get<double>("rotary_pct", otherwise_fraction));
  rope.theta = f.Positive("rope_theta", f.Positive("rotary_emb_base", 10000.0));
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    if (!f.Has(key)) continue;
    const Fields sub = f.Sub(key);
    fraction = sub.Get<double>("partial_rotary_factor", fraction);
    rope.theta = sub.Positive("rope_theta", rope.theta);
    ReadRopeScaling(sub, rope);
  }
  if (!(fraction >= 0 && fraction <= 1))
    f.Fail(fmt::format("the rotary fraction is {}; expected a number from 0 to 1", fraction));
  rope.dims = static_cast<int64_t>(static_cast<double>(head_dim) * fraction);
  if (rope.dims < 0 || rope.dims > head_dim || rope.dims % 2 != 0)
    f.Fail(fmt::format("{} of {} features per head are rotary; expected an even number", rope.dims,
                       head_dim));
  return rope;
}

int64_t HeadDim(const Fields& f, int64_t width, int64_t heads) {
  if (width % heads != 0)
    f.Fail(fmt::format("width {} is not divisible by {} heads", width, heads));
  return width / heads;
}

void ReadMamba1(const Fields& f, Config& c) {
  c.architecture = Architecture::kMamba1;
  ReadSizes(f, c, "layer_norm_epsilon", 1e-5, /*tied=*/true);
  c.ssm.d_inner = f.Size("intermediate_size", f.Size("expand", 2) * c.d_model);
  c.ssm.d_state = f.Size("state_size", 16);
  c.ssm.d_conv = f.Size("conv_kernel", 4);
  const bool automatic = !f.Has("time_step_rank") || f.Raw("time_step_rank") == "auto";
  c.ssm.dt_rank = automatic ? (c.d_model + 15) / 16 : f.Size("time_step_rank");
  c.ssm.projection_bias = f.Get<bool>("use_bias", false);
  c.ssm.conv_bias = f.Get<bool>("use_conv_bias", true);
  if (c.model_type == "falcon_mamba") c.ssm.bcdt_norm_eps = f.Positive("mixer_rms_eps", 1e-6);
  DemandSilu(f);
}

void CheckHeads(const Fields& f, const SsmConfig& s) {
  if (s.heads * s.head_dim != s.d_inner)
    f.Fail(fmt::format("{} heads of {} channels do not make the inner width {}", s.heads,
                       s.head_dim, s.d_inner));
  if (s.heads % s.groups != 0)
    f.Fail(fmt::format("{} heads are not divisible into {} groups", s.heads, s.groups));
}

void ReadTimeStepLimit(const Fields& f, const char* key, SsmConfig& ssm) {
  ssm.dt_min = 0;
  ssm.dt_max = kInfinity;
  if (!f.Has(key)) return;
  const Json& limit = f.Raw(key);
  if (!limit.is_array() || limit.size() != 2) f.Refuse(key);
  // JSON has no infinity, so recent files spell it as an object.
  const auto number = [&](const Json& value) {
    if (value == Json{{"__float__", "Infinity"}}) return kInfinity;
    if (!value.is_number()) f.Refuse(key);
    return value.get<double>();
  };
  ssm.dt_min = number(limit[0]);
  ssm.dt_max = number(limit[1]);
  if (!(ssm.dt_min <= ssm.dt_max)) f.Refuse(key);
}

void ReadMamba2(const Fields& f, Config& c) {
  c.architecture = Architecture::kMamba2;
  ReadSizes(f, c, "layer_norm_epsilon", 1e-5, /*tied=*/false);
  c.ssm.d_inner = f.Size("expand", 2) * c.d_model;
  c.ssm.d_state = f.Size("state_size", 128);
  c.ssm.d_conv = f.Size("conv_kernel", 4);
  c.ssm.heads = f.Size("num_heads", 128);
  c.ssm.head_dim = f.Size("head_dim", 64);
  c.ssm.groups = c.ssm.norm_groups = f.Size("n_groups", 8);
  c.ssm.norm_eps = c.norm_eps;
  c.ssm.projection_bias = f.Get<bool>("use_bias", false);
  c.ssm.conv_bias = f.Get<bool>("use_conv_bias", true);
  ReadTimeStepLimit(f, "time_step_limit", c.ssm);
  CheckHeads(f, c.ssm);
  DemandSilu(f);
}

// Reads the config of the original state-spaces repositories. All fields of the mixer are in
// ssm_cfg; the defaults are those of their code.
void ReadOriginalMamba(const Fields& f, Config& c) {
  static const Json kNone = Json::object();
  const Fields ssm = f.Has("ssm_cfg") ? f.Sub("ssm_cfg") : Fields(kNone, "ssm_cfg");
  const auto layer = ssm.Get<std::string>("layer", "Mamba1");
  if (layer != "Mamba1" && layer != "Mamba2") ssm.Refuse("layer");
  const bool mamba2 = layer == "Mamba2";
  c.architecture = mamba2 ? Architecture::kMamba2 : Architecture::kMamba1;
  c.model_type = mamba2 ? "mamba2" : "mamba";
  c.d_model = f.Size("d_model");
  c.layers = f.Size("n_layer");
  const int64_t multiple = f.Size("pad_vocab_size_multiple", 8);
  c.vocab = (f.Size("vocab_size") + multiple - 1) / multiple * multiple;
  c.tied_embeddings = f.Get<bool>("tie_embeddings", true);
  f.Demand("rms_norm", true);
  f.Demand("d_intermediate", int64_t{0});
  if (f.Has("attn_layer_idx") && !f.Raw("attn_layer_idx").empty()) f.Refuse("attn_layer_idx");
  c.ssm.d_inner = ssm.Size("expand", 2) * c.d_model;
  c.ssm.d_state = ssm.Size("d_state", mamba2 ? 128 : 16);
  c.ssm.d_conv = ssm.Size("d_conv", 4);
  c.ssm.projection_bias = ssm.Get<bool>("bias", false);
  c.ssm.conv_bias = ssm.Get<bool>("conv_bias", true);
  if (!mamba2) {
    const bool automatic = !ssm.Has("dt_rank") || ssm.Raw("dt_rank") == "auto";
    c.ssm.dt_rank = automatic ? (c.d_model + 15) / 16 : ssm.Size("dt_rank");
    return;
  }
  for (const char* key : {"D_has_hdim", "norm_before_gate"}) ssm.Demand(key, false);
  c.ssm.groups = c.ssm.norm_groups = ssm.Size("ngroups", 1);
  ssm.Demand("rmsnorm", true);
  ssm.Demand("activation", std::string("swish"));
  if (ssm.Has("d_ssm") && ssm.Size("d_ssm") != c.ssm.d_inner) ssm.Refuse("d_ssm");
  c.ssm.head_dim = ssm.Size("headdim", 64);
  if (c.ssm.d_inner % c.ssm.head_dim != 0)
    ssm.Fail(fmt::format("inner width {} is not divisible into heads of {} channels", c.ssm.d_inner,
                         c.ssm.head_dim));
  c.ssm.heads = c.ssm.d_inner / c.ssm.head_dim;
  ReadTimeStepLimit(ssm, "dt_limit", c.ssm);
  CheckHeads(ssm, c.ssm);
}

void ReadNeox(const Fields& f, Config& c) {
  c.architecture = Architecture::kNeox;
  ReadSizes(f, c, "layer_norm_eps", 1e-5, /*tied=*/false);
  c.parallel_residual = f.Get<bool>("use_parallel_residual", true);
  AttentionConfig& a = c.attention;
  a.heads = a.kv_heads = f.Size("num_attention_heads");
  a.head_dim = HeadDim(f, c.d_model, a.heads);
  a.qkv_bias = a.out_bias = f.Get<bool>("attention_bias", true);
  a.rope = ReadRope(f, a.head_dim, 0.25);
  c.mlp = {f.Size("intermediate_size"), ReadActivation(f, "hidden_act", "gelu"), true};
}

void ReadGpt2(const Fields& f, Config& c) {
  c.architecture = Architecture::kGpt2;
  c.d_model = f.Size("n_embd");
  c.layers = f.Size("n_layer");
  c.norm_eps = f.Positive("layer_norm_epsilon", 1e-5);
  c.tied_embeddings = f.Get<bool>("tie_word_embeddings", true);
  c.positions = c.max_tokens = f.Size("n_positions", 1024);
  c.max_tokens_reason = "n_positions";
  AttentionConfig& a = c.attention;
  a.heads = a.kv_heads = f.Size("n_head");
  a.head_dim = HeadDim(f, c.d_model, a.heads);
  a.qkv_bias = a.out_bias = true;
  c.mlp = {f.Size("n_inner", 4 * c.d_model), ReadActivation(f, "activation_function", "gelu_new"),
           true};
  f.Demand("scale_attn_weights", true);
  f.Demand("scale_attn_by_inverse_layer_idx", false);
  f.Demand("add_cross_attention", false);
}

// Mistral uses its sliding window unless it is null. Qwen2 uses it only if use_sliding_window is
// true. The default width is 4096. A prompt that fits in the window gives the same result without
// it.
void ReadSlidingWindow(const Fields& f, Config& c) {
  const bool used = c.model_type == "mistral" ||
                    (c.model_type == "qwen2" && f.Get<bool>("use_sliding_window", false));
  if (!used || f.IsNull("sliding_window")) return;
  c.max_tokens = f.Size("sliding_window", 4096);
  c.max_tokens_reason = "sliding_window";
}

void CheckKeyHeads(const Fields& f, const AttentionConfig& a) {
  if (a.heads % a.kv_heads != 0)
    f.Fail(fmt::format("{} query heads are not divisible by {} key heads", a.heads, a.kv_heads));
}

void ReadLlama(const Fields& f, Config& c) {
  c.architecture = Architecture::kLlama;
  ReadSizes(f, c, "rms_norm_eps", 1e-6, /*tied=*/false);
  AttentionConfig& a = c.attention;
  a.heads = f.Size("num_attention_heads");
  const int64_t kv_default = c.model_type == "mistral" ? 8 : c.model_type == "qwen2" ? 32 : a.heads;
  a.kv_heads =
      f.Size("num_key_value_heads", f.IsNull("num_key_value_heads") ? a.heads : kv_default);
  a.head_dim = f.Has("head_dim") ? f.Size("head_dim") : HeadDim(f, c.d_model, a.heads);
  CheckKeyHeads(f, a);
  const bool attention_bias = c.model_type == "llama" && f.Get<bool>("attention_bias", false);
  a.qkv_bias = attention_bias || c.model_type == "qwen2";
  a.out_bias = attention_bias;
  a.rope = ReadRope(f, a.head_dim, 1.0);
  c.mlp = {f.Size("intermediate_size"), ReadActivation(f, "hidden_act", "silu"),
           c.model_type == "llama" && f.Get<bool>("mlp_bias", false)};
  ReadSlidingWindow(f, c);
}

// "mamba" or "linear_attention", "attention" or "full_attention", "mlp".
std::vector<LayerKind> ReadLayerKinds(const Fields& f, const char* key, int64_t layers) {
  const Json& names = f.Raw(key);
  std::vector<LayerKind> kinds;
  for (const Json& name : names) {
    if (name == "mamba" || name == "linear_attention") kinds.push_back(LayerKind::kMamba);
    else if (name == "attention" || name == "full_attention")
      kinds.push_back(LayerKind::kAttention);
    else if (name == "mlp") kinds.push_back(LayerKind::kMlp);
    else f.Refuse(key);
  }
  if (static_cast<int64_t>(kinds.size()) != layers)
    f.Fail(fmt::format("field '{}' has {}, and the model has {}", key, Count(kinds.size(), "name"),
                       Count(layers, "layer")));
  return kinds;
}

// The fields of a Mamba-2 mixer that begin with mamba_.
void ReadMambaOfHybrid(const Fields& f, Config& c) {
  SsmConfig& s = c.ssm;
  s.d_inner = f.Size("mamba_expand", 2) * c.d_model;
  s.d_state = f.Size("mamba_d_state", 256);
  s.d_conv = f.Size("mamba_d_conv", 4);
  s.heads = f.Size("mamba_n_heads", 128);
  s.head_dim = !f.Has("mamba_d_head") || f.Raw("mamba_d_head") == "auto" ? s.d_inner / s.heads
                                                                         : f.Size("mamba_d_head");
  s.groups = f.Size("mamba_n_groups", 1);
  s.norm_eps = c.norm_eps;
  s.projection_bias = f.Get<bool>("mamba_proj_bias", false);
  s.conv_bias = f.Get<bool>("mamba_conv_bias", true);
  ReadTimeStepLimit(f, "time_step_limit", s);
  CheckHeads(f, s);
}

void ReadGraniteHybrid(const Fields& f, Config& c) {
  c.architecture = Architecture::kGraniteHybrid;
  ReadSizes(f, c, "rms_norm_eps", 1e-6, /*tied=*/false);
  c.embedding_scale = f.Positive("embedding_multiplier", 1);
  c.residual_scale = f.Positive("residual_multiplier", 1);
  c.logit_scale = 1 / f.Positive("logits_scaling", 1);
  c.layer_kinds = f.Has("layer_types")
                      ? ReadLayerKinds(f, "layer_types", c.layers)
                      : std::vector<LayerKind>(static_cast<size_t>(c.layers), LayerKind::kMamba);
  ReadMambaOfHybrid(f, c);
  AttentionConfig& a = c.attention;
  a.heads = f.Size("num_attention_heads", 32);
  a.kv_heads = f.Size("num_key_value_heads", a.heads);
  a.head_dim = HeadDim(f, c.d_model, a.heads);
  CheckKeyHeads(f, a);
  a.qkv_bias = a.out_bias = f.Get<bool>("attention_bias", false);
  a.scale = f.Positive("attention_multiplier", 1);
  // Without "rope", the order of tokens reaches attention only through the Mamba layers.
  if (f.Get<std::string>("position_embedding_type", "nope") == "rope")
    a.rope = ReadRope(f, a.head_dim, 1.0);
  DemandSilu(f);
  c.mlp = {f.Size("shared_intermediate_size", 1024), Activation::kSilu, false};
  if (f.Get<int64_t>("num_local_experts", 0) > 0)
    c.experts = {f.Size("num_local_experts"), f.Size("num_experts_per_tok"),
                 f.Size("intermediate_size")};
  if (c.experts.per_token > c.experts.count) f.Refuse("num_experts_per_tok");
}

void ReadBamba(const Fields& f, Config& c) {
  c.architecture = Architecture::kBamba;
  ReadSizes(f, c, "rms_norm_eps", 1e-5, /*tied=*/false);
  c.layer_kinds.assign(static_cast<size_t>(c.layers), LayerKind::kMamba);
  if (f.Has("attn_layer_indices")) {
    for (const Json& index : f.Raw("attn_layer_indices")) {
      if (!index.is_number_integer() || index < 0 || index >= c.layers)
        f.Refuse("attn_layer_indices");
      c.layer_kinds[index.get<size_t>()] = LayerKind::kAttention;
    }
  }
  ReadMambaOfHybrid(f, c);
  AttentionConfig& a = c.attention;
  a.heads = f.Size("num_attention_heads", 32);
  a.kv_heads = f.Size("num_key_value_heads", 8);
  a.head_dim = HeadDim(f, c.d_model, a.heads);
  CheckKeyHeads(f, a);
  a.qkv_bias = a.out_bias = f.Get<bool>("attention_bias", false);
  a.rope = ReadRope(f, a.head_dim, 0.5);
  DemandSilu(f);
  c.mlp = {f.Size("intermediate_size"), Activation::kSilu, f.Get<bool>("mlp_bias", false)};
}

// hybrid_override_pattern has a letter for each block: M, *, - and E (experts).
std::vector<LayerKind> ReadPattern(const Fields& f, const char* key) {
  std::vector<LayerKind> kinds;
  for (const char letter : f.Get<std::string>(key)) {
    if (letter == 'M') kinds.push_back(LayerKind::kMamba);
    else if (letter == '*') kinds.push_back(LayerKind::kAttention);
    else if (letter == '-') kinds.push_back(LayerKind::kMlp);
    else f.Refuse(key);
  }
  return kinds;
}

void ReadNemotronH(const Fields& f, Config& c) {
  c.architecture = Architecture::kNemotronH;
  c.d_model = f.Size("hidden_size");
  if (f.Has("layers_block_type")) {
    c.layers = static_cast<int64_t>(f.Raw("layers_block_type").size());
    c.layer_kinds = ReadLayerKinds(f, "layers_block_type", c.layers);
  } else {
    c.layer_kinds = ReadPattern(f, "hybrid_override_pattern");
    c.layers = static_cast<int64_t>(c.layer_kinds.size());
  }
  c.norm_eps = f.Positive("layer_norm_epsilon", 1e-5);
  c.tied_embeddings = f.Get<bool>("tie_word_embeddings", false);
  SsmConfig& s = c.ssm;
  s.heads = f.Size("mamba_num_heads", 128);
  s.head_dim = f.Size("mamba_head_dim", 64);
  s.d_inner = s.heads * s.head_dim;
  s.d_state = f.Size("ssm_state_size", 128);
  s.d_conv = f.Size("conv_kernel", 4);
  s.groups = s.norm_groups = f.Size("n_groups", 8);
  s.norm_eps = c.norm_eps;
  s.projection_bias = f.Get<bool>("use_bias", false) || f.Get<bool>("mamba_proj_bias", false);
  s.conv_bias = f.Get<bool>("use_conv_bias", true);
  ReadTimeStepLimit(f, "time_step_limit", s);
  // The reference path of transformers also clamps the step size from below by time_step_min.
  s.dt_min = std::max(s.dt_min, f.Get<double>("time_step_min", 0.001));
  CheckHeads(f, s);
  if (ReadActivation(f, "mamba_hidden_act", "silu") != Activation::kSilu)
    f.Refuse("mamba_hidden_act");
  AttentionConfig& a = c.attention;
  a.heads = f.Size("num_attention_heads", 32);
  a.kv_heads = f.Size("num_key_value_heads", 8);
  a.head_dim = f.Has("head_dim") ? f.Size("head_dim") : f.Size("attention_head_dim", 128);
  CheckKeyHeads(f, a);
  a.qkv_bias = a.out_bias = f.Get<bool>("attention_bias", false);
  c.mlp = {f.Size("intermediate_size"), ReadActivation(f, "mlp_hidden_act", "relu2"),
           f.Get<bool>("mlp_bias", false)};
}

using Reader = void (*)(const Fields&, Config&);
constexpr std::pair<std::string_view, Reader> kReaders[] = {
    {"mamba", ReadMamba1},  {"mamba2", ReadMamba2},       {"falcon_mamba", ReadMamba1},
    {"gpt_neox", ReadNeox}, {"gpt2", ReadGpt2},           {"llama", ReadLlama},
    {"mistral", ReadLlama}, {"qwen2", ReadLlama},         {"granitemoehybrid", ReadGraniteHybrid},
    {"bamba", ReadBamba},   {"nemotron_h", ReadNemotronH}};

}  // namespace

Config ParseConfig(const Json& json, const std::string& name) {
  const Fields f(json, name);
  Config c;
  if (f.Has("quantization_config"))
    f.Fail("quantised weights (field 'quantization_config') are not supported");
  if (!f.Has("model_type")) {
    if (!f.Has("d_model") || !f.Has("n_layer"))
      f.Fail(
          "expected the field 'model_type', or the fields 'd_model' and 'n_layer' of a "
          "state-spaces model");
    ReadOriginalMamba(f, c);
    return c;
  }
  c.model_type = f.Get<std::string>("model_type");
  const auto* reader = std::find_if(std::begin(kReaders), std::end(kReaders),
                                    [&](const auto& r) { return r.first == c.model_type; });
  if (reader == std::end(kReaders)) {
    throw Error(fmt::format("{}: unknown model_type '{}'", name, c.model_type),
                "supported: mamba, mamba2, falcon_mamba, gpt_neox, gpt2, llama, mistral, qwen2, "
                "granitemoehybrid, bamba, nemotron_h");
  }
  c.vocab = f.Size("vocab_size");
  reader->second(f, c);
  return c;
}

Config ReadConfig(const std::filesystem::path& path) {
  return ParseConfig(ReadJson(path), path.string());
}

}  // namespace mambascope
