// The smallest config.json of each family, and a helper that parses one with a few fields changed.
#pragma once

#include <string>

#include "mambascope/checkpoint/json.h"
#include "mambascope/model/family.h"

namespace mambascope {

inline constexpr const char* kMambaConfig =
    R"({"model_type":"mamba","hidden_size":40,"num_hidden_layers":3,"vocab_size":100})";
inline constexpr const char* kFalconConfig =
    R"({"model_type":"falcon_mamba","hidden_size":40,"num_hidden_layers":3,"vocab_size":100})";
inline constexpr const char* kMamba2Config =
    R"({"model_type":"mamba2","hidden_size":64,"num_hidden_layers":3,"vocab_size":100,"num_heads":8,"head_dim":16})";
inline constexpr const char* kNeoxConfig =
    R"({"model_type":"gpt_neox","hidden_size":64,"num_hidden_layers":3,"vocab_size":100,"num_attention_heads":4,"intermediate_size":96})";
inline constexpr const char* kGpt2Config =
    R"({"model_type":"gpt2","n_embd":48,"n_layer":3,"vocab_size":100,"n_head":4})";
inline constexpr const char* kLlamaConfig =
    R"({"model_type":"llama","hidden_size":64,"num_hidden_layers":3,"vocab_size":100,"num_attention_heads":32,"intermediate_size":96})";
inline constexpr const char* kMistralConfig =
    R"({"model_type":"mistral","hidden_size":64,"num_hidden_layers":3,"vocab_size":100,"num_attention_heads":32,"intermediate_size":96})";
inline constexpr const char* kQwen2Config =
    R"({"model_type":"qwen2","hidden_size":64,"num_hidden_layers":3,"vocab_size":100,"num_attention_heads":32,"intermediate_size":96})";
inline constexpr const char* kQwen3Config =
    R"({"model_type":"qwen3","hidden_size":64,"num_hidden_layers":3,"vocab_size":100,
          "num_attention_heads":32,"intermediate_size":96})";
inline constexpr const char* kGemma2Config =
    R"({"model_type":"gemma2","hidden_size":64,"num_hidden_layers":3,"vocab_size":100})";
inline constexpr const char* kGemma3Config =
    R"({"model_type":"gemma3_text","hidden_size":64,"num_hidden_layers":3,"vocab_size":100})";
inline constexpr const char* kOlmo2Config =
    R"({"model_type":"olmo2","hidden_size":64,"num_hidden_layers":3,"vocab_size":100})";
inline constexpr const char* kPhiConfig =
    R"({"model_type":"phi","hidden_size":128,"num_hidden_layers":3,"vocab_size":100})";
inline constexpr const char* kGptjConfig =
    R"({"model_type":"gptj","n_embd":256,"n_layer":3,"vocab_size":100,"n_head":4})";
inline constexpr const char* kQwen3NextConfig =
    R"({"model_type":"qwen3_next","hidden_size":64,"num_hidden_layers":3,"vocab_size":100,
          "intermediate_size":96})";
inline constexpr const char* kQwen35Config =
    R"({"model_type":"qwen3_5_text","hidden_size":64,"num_hidden_layers":3,"vocab_size":100,
          "intermediate_size":96})";
inline constexpr const char* kFalconH1Config =
    R"({"model_type":"falcon_h1","hidden_size":64,"num_hidden_layers":3,"vocab_size":100,
          "intermediate_size":96})";
inline constexpr const char* kJambaConfig =
    R"({"model_type":"jamba","hidden_size":64,"num_hidden_layers":3,"vocab_size":100})";
// Lacks the kinds of the layers, which also say how many there are.
inline constexpr const char* kNemotronHConfig =
    R"({"model_type":"nemotron_h","hidden_size":64,"vocab_size":100,"intermediate_size":96})";
inline constexpr const char* kOriginalMambaConfig =
    R"({"d_model":40,"n_layer":3,"vocab_size":50277})";
inline constexpr const char* kOriginalMamba2Config =
    R"({"d_model":64,"n_layer":3,"vocab_size":50277,"ssm_cfg":{"layer":"Mamba2"}})";

// Parses `base` after replacing or adding the fields of `changes`.
inline Config ParseChanged(const std::string& base, const std::string& changes = "{}") {
  Json json = ParseJson(base, "base");
  json.update(ParseJson(changes, "changes"));
  return ParseConfig(json, "x/config.json");
}

}  // namespace mambascope
