#include "mambascope/model/text_config.h"

#include <map>

namespace mambascope {
namespace {

// The sizes of a transformers class. Before version 5, transformers left the fields that equal them
// out of a text model's config, and out of no other config.
Json ClassDefaults(const std::string& model_type) {
  static const std::map<std::string, Json> defaults = {{"llama",
                                                        {{"vocab_size", 32000},
                                                         {"hidden_size", 4096},
                                                         {"intermediate_size", 11008},
                                                         {"num_hidden_layers", 32},
                                                         {"num_attention_heads", 32}}},
                                                       {"mistral",
                                                        {{"vocab_size", 32000},
                                                         {"hidden_size", 4096},
                                                         {"intermediate_size", 14336},
                                                         {"num_hidden_layers", 32},
                                                         {"num_attention_heads", 32}}},
                                                       {"qwen2",
                                                        {{"vocab_size", 151936},
                                                         {"hidden_size", 4096},
                                                         {"intermediate_size", 22016},
                                                         {"num_hidden_layers", 32},
                                                         {"num_attention_heads", 32}}}};
  const auto found = defaults.find(model_type);
  return found == defaults.end() ? Json::object() : found->second;
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
