// The post-processor of a tokenizer changes the tokens of a whole text.
//
//   ByteLevel            removes white space at a token's ends from its character offsets
//   TemplateProcessing   adds special tokens, such as BOS, around the text
//   Sequence             applies several post-processors in order
#pragma once

#include <memory>
#include <vector>

#include "mambascope/tokenizer/json_node.h"
#include "mambascope/tokenizer/token.h"

namespace mambascope {

enum class SpecialTokens { kAdd, kOmit };

class PostProcessor {
 public:
  virtual ~PostProcessor() = default;
  virtual void Apply(SpecialTokens special, std::vector<Token>& tokens) const = 0;
};

// Reads the field "post_processor"; null gives a post-processor that does nothing. Throws Error for
// a type that is not supported.
std::unique_ptr<PostProcessor> ReadPostProcessor(const JsonNode& node);
// Returns a post-processor that applies `first` and then adds `bos` before the text.
std::unique_ptr<PostProcessor> ThenBos(std::unique_ptr<PostProcessor> first, const Token& bos);

}  // namespace mambascope
