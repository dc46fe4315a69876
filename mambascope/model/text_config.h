// The config.json of a multimodal model (LLaVA, Mistral 3, ...) holds one of its text model.
#pragma once

#include <optional>
#include <string>

#include "mambascope/checkpoint/fields.h"
#include "mambascope/checkpoint/json.h"

namespace mambascope {

struct TextConfig {
  std::string key;      // the field that holds it: "text_config", "llm_config", "language_config"
  std::string wrapper;  // model_type of the multimodal model
  Json json;            // the text model's fields, with the defaults of those that are left out
  // The multimodal model's own tie_word_embeddings; false where it is absent. transformers 5 reads
  // it there, and older versions in the text model's config. Files of either version say true at
  // one level only, so embeddings are tied if either level says so. A stored unembedding that
  // differs from the embedding is used in any case, as transformers does.
  bool ties_embeddings = false;
};

// Returns the text model's part of `config`; nothing for a model of text alone. Throws Error for a
// text model that reads a prompt in both directions, as PaliGemma's does.
std::optional<TextConfig> FindTextConfig(const Fields& config);

}  // namespace mambascope
