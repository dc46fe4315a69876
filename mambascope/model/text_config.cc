#include "mambascope/model/text_config.h"

#include <map>

namespace mambascope {
namespace {

// The sizes of a transformers class. Before version 5, transformers left the fields that equal them
// out of a text model's config, and out of no other config.
Json ClassDefaults(const std::string& model_type) {
  struct Sizes {
    int64_t vocab, width, mlp_width, layers, heads, max_positions;
  };
  static const std::map<std::string, Sizes> defaults = {
      {"llama", {32000, 4096, 11008, 32, 32, 2048}},
      {"mistral", {32000, 4096, 14336, 32, 32, 131072}},
      {"qwen2", {151936, 4096, 22016, 32, 32, 32768}},
      {"qwen3", {151936, 4096, 22016, 32, 32, 32768}},
      {"qwen3_5_text", {248320, 4096, 12288, 32, 16, 32768}},
      {"qwen3_5_moe_text", {248320, 2048, 0, 40, 16, 32768}},
      {"gemma2", {256000, 2304, 9216, 26, 8, 8192}},
      {"gemma3_text", {262208, 2304, 9216, 26, 8, 131072}}};
  const auto found = defaults.find(model_type);
  if (found == defaults.end()) return Json::object();
  const Sizes& sizes = found->second;
  return {{"vocab_size", sizes.vocab},
          {"hidden_size", sizes.width},
          {"intermediate_size", sizes.mlp_width},
          {"num_hidden_layers", sizes.layers},
          {"num_attention_heads", sizes.heads},
          {"max_position_embeddings", sizes.max_positions}};
}

}  // namespace

std::optional<TextConfig> FindTextConfig(const Fields& config) {
  for (const char* key : {"text_config", "llm_config", "language_config"}) {
    if (!config.Has(key)) continue;
    const Fields text = config.Sub(key);  // throws Error unless it is an object
    TextConfig found{.key = key,
                     .wrapper = config.Get<std::string>("model_type", "multimodal"),
                     .json = ClassDefaults(text.Get<std::string>("model_type", "")),
                     .ties_embeddings = config.Get<bool>("tie_word_embeddings", false)};
    if (found.wrapper == "paligemma")
      config.Fail(
          "the text model of 'paligemma' reads a prompt in both directions, which is not "
          "supported");
    found.json.update(config.Raw(key));
    return found;
  }
  return std::nullopt;
}

}  // namespace mambascope
