// A layer's mean state: what mean ablation puts in place of a token's own (Sharma et al. 2024, section 6).
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <vector>

#include "mambascope/model/model.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

// The defaults are the public implementation's.
struct MeanStateOptions {
  int64_t documents = 128, max_tokens = 128;  // the first so many
  // Called with documents read and tokens run.
  std::function<void(int64_t documents, int64_t tokens)> progress = {};
};

// The mean state at `site`, of each layer: over the tokens of a document, then over the documents of `texts` (data/corpus.h), whatever
// their lengths; [layer] [width]. Throws Error for a site that the model lacks, and for texts without a document.
std::vector<at::Tensor> MeanStates(const Model& model, const Tokenizer& tokenizer, const std::vector<std::filesystem::path>& texts,
                                   Site site, const MeanStateOptions& options = {});

}  // namespace mambascope
