// Fields of config.json that several families share. Each function reads some of them into a
// Config, and throws Error for a value that is not supported.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "mambascope/checkpoint/config.h"
#include "mambascope/checkpoint/fields.h"

namespace mambascope {

// Reads hidden_size, num_hidden_layers, tie_word_embeddings (`tied` where it is absent), and the
// norms' epsilon, which the field `eps` holds.
void ReadSizes(const Fields& f, Config& c, const char* eps, double otherwise, bool tied);

// Reads the sizes of GPT-2 and GPT-J: n_embd, n_layer, n_head and n_inner, the norms' epsilon, the
// activation and tie_word_embeddings.
void ReadGptSizes(const Fields& f, Config& c, bool tied);

Activation ReadActivation(const Fields& f, const char* key, const std::string& otherwise);
// Refuses an activation other than SiLU in the field `key`.
void DemandSilu(const Fields& f, const char* key = "hidden_act");

// The rotary position embedding, which rotates the share `otherwise_fraction` of a head's features
// where config.json does not say.
RopeConfig ReadRope(const Fields& f, int64_t head_dim, double otherwise_fraction);
// Reads one "rope_scaling" or "rope_parameters" object into `rope`, but for the rotary fraction.
// `rope.original_context` is max_position_embeddings before, or 0 where that is unknown.
void ReadRopeScaling(const Fields& scaling, RopeConfig& rope);

// Returns the features of each of `heads` heads that together are `width` wide.
int64_t HeadDim(const Fields& f, int64_t width, int64_t heads);

// Values of absent fields. 0: `heads` is required, there are as many key heads as query heads, and
// a head is d_model / heads wide.
struct HeadDefaults {
  int64_t heads = 0, kv_heads = 0, head_dim = 0;
};
// Reads num_attention_heads, num_key_value_heads, head_dim and attention_bias.
AttentionConfig ReadHeads(const Fields& f, const Config& c, const HeadDefaults& defaults = {});

// Reads a list of names of layers. kMamba is "mamba" or "linear_attention", kAttention is
// "attention" or "full_attention", kSliding is "sliding_attention", kMlp is "mlp", kExperts is
// "moe" and kShared is "hybrid".
std::vector<LayerKind> ReadLayerKinds(const Fields& f, const char* key, int64_t layers,
                                      std::initializer_list<LayerKind> allowed);

// Returns the kinds of layers of which every `period`-th is `nth`.
std::vector<LayerKind> EveryNth(int64_t layers, int64_t period, LayerKind nth, LayerKind others);

// Reads a list of layers, and returns which layers it lists. An absent list is empty.
std::vector<bool> ReadLayerIndices(const Fields& f, const char* key, int64_t layers);
// Returns kAttention for the layers that have it, and kMamba for the others.
std::vector<LayerKind> KindsByAttention(const std::vector<bool>& has_attention);
// Reads num_experts_per_tok, which is at most `count`.
int64_t ReadExpertsPerToken(const Fields& f, int64_t count, int64_t otherwise);

// Throws Error unless the heads of Mamba-2 make its inner width and divide into its groups.
void CheckSsmHeads(const Fields& f, const SsmConfig& s);
// Reads [smallest, largest] step size of Mamba-2.
void ReadTimeStepLimit(const Fields& f, const char* key, SsmConfig& ssm);
// Reads the fields of a Mamba-2 mixer that begin with mamba_. Its inner width is `d_inner`.
void ReadMambaOfHybrid(const Fields& f, Config& c, int64_t d_inner);
// Reads the rank of Mamba-1's projection to the step size, which is d_model / 16 for "auto".
int64_t ReadDtRank(const Fields& f, const char* key, int64_t d_model);

}  // namespace mambascope
