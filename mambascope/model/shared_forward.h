// Many sequences, such as prompts each with several continuations, begin alike. ForwardShared
// computes what they have in common once, and returns the last block's output at some of their
// tokens.
//
// The sequences' prefixes form a tree. Its branches are segments that continue from the carry where
// they branch off. Branches of whole sequences make the first wave, what continues from them the
// second, and so on. The waves of a batch go up side by side, layer by layer, so that only one
// layer's carries are there at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

struct SequenceToken {
  size_t sequence;
  int64_t token;
};

// SharedForwardWork counts what has gone up so far.
struct SharedForwardWork {
  int64_t done = 0, total = 0;       // sequences
  int64_t rows = 0, naive_rows = 0;  // beside those of a whole pass per sequence
};

struct SharedForwardOptions {
  int64_t batch_rows = 2048;  // sequences go up together until they are so many rows
  int64_t waves =
      6;  // what would need one more starts further down the tree, and computes a few tokens again
  std::function<void(const SharedForwardWork&)> progress = {};  // called after every batch
};

struct SharedForwardResult {
  at::Tensor h;  // [row, d_model], outputs of the last block: equal prefixes have one row
  std::vector<int64_t> row;  // of each token that was asked for
};

// Throws Error for an id outside the vocabulary, and for a sequence longer than the model allows.
// REQUIRES: the tokens are there; batch_rows >= 1, waves >= 1.
SharedForwardResult ForwardShared(const Model& model,
                                  const std::vector<std::vector<int64_t>>& sequences,
                                  const std::vector<SequenceToken>& tokens,
                                  const SharedForwardOptions& options = {});

}  // namespace mambascope
