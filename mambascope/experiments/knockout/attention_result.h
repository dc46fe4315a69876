// Result of the command `attention`, as stored in attention.json (docs/cli.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/knockout/hidden_attention.h"

namespace mambascope {

struct AttentionResult {
  Json options;                                   // the run's options (RunDescription)
  std::vector<int64_t> ids;                       // the prompt's tokens
  std::vector<std::optional<std::string>> texts;  // text of each token; none without a tokenizer
  std::vector<LayerAttention> layers;
  std::optional<int64_t> channel = {};  // the channel or head whose own matrix the layers hold
};

void to_json(Json& json, const AttentionResult& result);
void from_json(const Json& json, AttentionResult& result);

}  // namespace mambascope
