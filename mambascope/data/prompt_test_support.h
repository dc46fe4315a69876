// Prompts for tests, without a tokenizer.
#pragma once

#include <string>
#include <vector>

#include "mambascope/data/prompt.h"

namespace mambascope {

inline Prompt MadeUpPrompt(const std::vector<int64_t>& ids, Span subject) {
  return {.text = "made up",
          .ids = ids,
          .tokens = std::vector<std::string>(ids.size(), "x"),
          .subject = "made up",
          .subject_span = subject};
}

}  // namespace mambascope
