// What the command `attention` finds, as attention.json holds it (docs/cli.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/knockout/hidden_attention.h"

namespace mambascope {

struct AttentionResult {
  Json options;                                   // what made it
  std::vector<int64_t> ids;                       // of the prompt's tokens
  std::vector<std::optional<std::string>> texts;  // theirs; none without a tokenizer
  std::vector<LayerAttention> layers;
  std::optional<int64_t> channel = {};  // whose own matrix the layers hold
};

void to_json(Json& json, const AttentionResult& result);
void from_json(const Json& json, AttentionResult& result);

}  // namespace mambascope
