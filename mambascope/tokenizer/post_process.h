// The post-processor of a tokenizer: what is done to the tokens of a whole text.
//
//   ByteLevel            takes white space at a token's ends out of its offsets
//   TemplateProcessing   puts special tokens, such as BOS, around the text
//   Sequence             one after the other
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

// The post-processor that the field "post_processor" describes; null is one that does nothing.
// Throws Error for one that is not known.
std::unique_ptr<PostProcessor> ReadPostProcessor(const JsonNode& node);

}  // namespace mambascope
