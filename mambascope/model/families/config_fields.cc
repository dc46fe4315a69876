#include "mambascope/model/families/config_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>

#include "mambascope/plural.h"

namespace mambascope {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Returns the factor of rotated queries and keys. YaRN scales the scores by its square.
double YarnMagnitude(const Fields& scaling, double factor) {
  const auto magnitude = [factor](double scale) {
    return factor <= 1 ? 1 : 0.1 * scale * std::log(factor) + 1;
  };
  if (scaling.Has("attention_factor")) return scaling.Positive("attention_factor");
  if (scaling.Has("mscale") && scaling.Has("mscale_all_dim"))
    return magnitude(scaling.Positive("mscale")) / magnitude(scaling.Positive("mscale_all_dim"));
  return magnitude(1);
}

// Returns the longest prompt of the training before positions were scaled. It has a field of its
// own, and is max_position_embeddings elsewhere, which `rope` has.
double OriginalContext(const Fields& scaling, const RopeConfig& rope) {
  const char* key = "original_max_position_embeddings";
  return rope.original_context > 0 ? scaling.Positive(key, rope.original_context)
                                   : scaling.Positive(key);
}

}  // namespace

void ReadSizes(const Fields& f, Config& c, const char* eps, double otherwise, bool tied) {
  c.d_model = f.Size("hidden_size");
  c.layers = f.Size("num_hidden_layers");
  c.norm_eps = f.Positive(eps, otherwise);
  c.tied_embeddings = f.Get<bool>("tie_word_embeddings", tied);
}

void ReadGptSizes(const Fields& f, Config& c, bool tied) {
  c.d_model = f.Size("n_embd");
  c.layers = f.Size("n_layer");
  c.norm_eps = f.Positive("layer_norm_epsilon", 1e-5);
  c.tied_embeddings = f.Get<bool>("tie_word_embeddings", tied);
  AttentionConfig& a = c.attention;
  a.heads = a.kv_heads = f.Size("n_head");
  a.head_dim = HeadDim(f, c.d_model, a.heads);
  c.mlp = {.width = f.Size("n_inner", 4 * c.d_model),
           .activation = ReadActivation(f, "activation_function", "gelu_new"),
           .bias = true};
}

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

void DemandSilu(const Fields& f, const char* key) {
  if (ReadActivation(f, key, "silu") != Activation::kSilu) f.Refuse(key);
}

// Before version 5, transformers stores this as rope_scaling {"type" or "rope_type"}. From version
// 5 it is rope_parameters {"rope_type", "rope_theta"}.
void ReadRopeScaling(const Fields& scaling, RopeConfig& rope) {
  rope.theta = scaling.Positive("rope_theta", rope.theta);
  const auto type =
      scaling.Get<std::string>("rope_type", scaling.Get<std::string>("type", "default"));
  if (type == "default") return;
  static const std::set<std::string> kTypes = {"linear", "llama3", "yarn", "dynamic"};
  if (!kTypes.contains(type))
    scaling.Fail(fmt::format("rope type '{}' is not supported; supported: {}", type,
                             fmt::join(kTypes, ", ")));
  rope.factor = scaling.Positive("factor");
  if (type == "linear") {
    rope.scaling = RopeConfig::Scaling::kLinear;
  } else if (type == "llama3") {
    rope.scaling = RopeConfig::Scaling::kLlama3;
    rope.low_frequency_factor = scaling.Positive("low_freq_factor");
    rope.high_frequency_factor = scaling.Positive("high_freq_factor");
    rope.original_context = OriginalContext(scaling, rope);
  } else if (type == "yarn") {
    rope.scaling = RopeConfig::Scaling::kYarn;
    rope.original_context = OriginalContext(scaling, rope);
    rope.beta_fast = scaling.Positive("beta_fast", 32);
    rope.beta_slow = scaling.Positive("beta_slow", 1);
    rope.whole_pairs = scaling.Get<bool>("truncate", true);
    rope.magnitude = YarnMagnitude(scaling, rope.factor);
  } else {  // dynamic: it changes the frequencies of longer prompts only
    if (rope.original_context == 0)
      scaling.Fail("rope type 'dynamic' needs the field 'max_position_embeddings'");
    rope.max_tokens = static_cast<int64_t>(rope.original_context);
  }
}

RopeConfig ReadRope(const Fields& f, int64_t head_dim, double otherwise_fraction) {
  RopeConfig rope;
  double fraction =
      f.Get<double>("partial_rotary_factor", f.Get<double>("rotary_pct", otherwise_fraction));
  rope.theta = f.Positive("rope_theta", f.Positive("rotary_emb_base", 10000.0));
  rope.original_context =
      f.Positive("original_max_position_embeddings", f.Positive("max_position_embeddings", 0));
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    if (!f.Has(key)) continue;
    const Fields sub = f.Sub(key);
    fraction = sub.Get<double>("partial_rotary_factor", fraction);
    ReadRopeScaling(sub, rope);
    break;
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

AttentionConfig ReadHeads(const Fields& f, const Config& c, const HeadDefaults& defaults) {
  AttentionConfig a;
  a.heads = defaults.heads == 0 ? f.Size("num_attention_heads")
                                : f.Size("num_attention_heads", defaults.heads);
  const bool as_queries = defaults.kv_heads == 0 || f.IsNull("num_key_value_heads");
  a.kv_heads = f.Size("num_key_value_heads", as_queries ? a.heads : defaults.kv_heads);
  a.head_dim = f.Has("head_dim") || defaults.head_dim > 0 ? f.Size("head_dim", defaults.head_dim)
                                                          : HeadDim(f, c.d_model, a.heads);
  if (a.heads % a.kv_heads != 0)
    f.Fail(fmt::format("{} query heads are not divisible by {} key heads", a.heads, a.kv_heads));
  a.qkv_bias = a.out_bias = f.Get<bool>("attention_bias", false);
  return a;
}

std::vector<LayerKind> ReadLayerKinds(const Fields& f, const char* key, int64_t layers,
                                      std::initializer_list<LayerKind> allowed) {
  static const std::map<std::string, LayerKind> kNames = {
      {"mamba", LayerKind::kMamba},
      {"linear_attention", LayerKind::kMamba},
      {"attention", LayerKind::kAttention},
      {"full_attention", LayerKind::kAttention},
      {"sliding_attention", LayerKind::kSliding},
      {"mlp", LayerKind::kMlp},
      {"moe", LayerKind::kExperts},
      {"hybrid", LayerKind::kShared}};
  const Json& names = f.Raw(key);
  if (!names.is_array() || names.empty()) f.Refuse(key);
  std::vector<LayerKind> kinds;
  for (const Json& name : names) {
    const auto kind = kNames.find(name.is_string() ? name.get<std::string>() : "");
    if (kind == kNames.end() ||
        std::find(allowed.begin(), allowed.end(), kind->second) == allowed.end())
      f.Fail(fmt::format("field '{}' says {} for layer {}, which is not supported", key,
                         name.dump(), kinds.size()));
    kinds.push_back(kind->second);
  }
  if (static_cast<int64_t>(kinds.size()) != layers)
    f.Fail(fmt::format("field '{}' has {}, and the model has {}", key, Count(kinds.size(), "name"),
                       Count(layers, "layer")));
  return kinds;
}

std::vector<LayerKind> EveryNth(int64_t layers, int64_t period, LayerKind nth, LayerKind others) {
  std::vector<LayerKind> kinds;
  for (int64_t l = 1; l <= layers; ++l) kinds.push_back(l % period == 0 ? nth : others);
  return kinds;
}

std::vector<bool> ReadLayerIndices(const Fields& f, const char* key, int64_t layers) {
  std::vector<bool> listed(static_cast<size_t>(layers), false);
  if (!f.Has(key)) return listed;
  if (!f.Raw(key).is_array()) f.Refuse(key);
  for (const Json& index : f.Raw(key)) {
    if (!index.is_number_integer() || index < 0 || index >= layers) f.Refuse(key);
    listed[index.get<size_t>()] = true;
  }
  return listed;
}

std::vector<LayerKind> KindsByAttention(const std::vector<bool>& has_attention) {
  std::vector<LayerKind> kinds;
  for (const bool has : has_attention)
    kinds.push_back(has ? LayerKind::kAttention : LayerKind::kMamba);
  return kinds;
}

int64_t ReadExpertsPerToken(const Fields& f, int64_t count, int64_t otherwise) {
  const int64_t per_token = f.Size("num_experts_per_tok", otherwise);
  if (per_token > count) f.Refuse("num_experts_per_tok");
  return per_token;
}

void CheckSsmHeads(const Fields& f, const SsmConfig& s) {
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

void ReadMambaOfHybrid(const Fields& f, Config& c, int64_t d_inner) {
  SsmConfig& s = c.ssm;
  s.d_inner = d_inner;
  s.d_state = f.Size("mamba_d_state", 256);
  s.d_conv = f.Size("mamba_d_conv", 4);
  s.heads = f.Size("mamba_n_heads", 128);
  s.head_dim = !f.Has("mamba_d_head") || f.Raw("mamba_d_head") == "auto" ? s.d_inner / s.heads
                                                                         : f.Size("mamba_d_head");
  s.groups = s.norm_groups = f.Size("mamba_n_groups", 1);
  s.norm_eps = c.norm_eps;
  s.in_bias = s.out_bias = f.Get<bool>("mamba_proj_bias", false);
  s.conv_bias = f.Get<bool>("mamba_conv_bias", true);
  ReadTimeStepLimit(f, "time_step_limit", s);
  CheckSsmHeads(f, s);
}

int64_t ReadDtRank(const Fields& f, const char* key, int64_t d_model) {
  const bool automatic = !f.Has(key) || f.Raw(key) == "auto";
  return automatic ? (d_model + 15) / 16 : f.Size(key);
}

}  // namespace mambascope
