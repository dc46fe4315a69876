// ForwardShared computes sequences that share prefixes, such as prompts with several continuations
// each. It computes each shared prefix once and returns the last block's output at the requested
// tokens.
//
// The prefixes form a tree. Each branch is a segment that continues from the carry at its branching
// point. Segments that start a sequence form the first wave, their branches the second wave, and so
// on. All waves of a batch are computed layer by layer, so only one layer's carries exist at a
// time.
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

// Progress of ForwardShared.
struct SharedForwardWork {
  int64_t done = 0, total = 0;       // finished sequences, and all sequences
  int64_t rows = 0, naive_rows = 0;  // rows computed, and rows that separate passes would compute
};

struct SharedForwardOptions {
  int64_t batch_rows = 2048;  // a batch takes sequences until it has at least this many rows
  // Limit on the number of waves. A branch that would need another wave starts earlier in its
  // sequence and computes some tokens again.
  int64_t waves = 6;
  std::function<void(const SharedForwardWork&)> progress = {};  // called after every batch
};

struct SharedForwardResult {
  at::Tensor h;  // [row, d_model], outputs of the last block; equal prefixes share a row
  std::vector<int64_t> row;  // for each requested token, its row of h
};

// Returns the states at `tokens`. Throws Error for an id outside the vocabulary, and for a sequence
// longer than the model allows. REQUIRES: the tokens exist; batch_rows >= 1, waves >= 1.
SharedForwardResult ForwardShared(const Model& model,
                                  const std::vector<std::vector<int64_t>>& sequences,
                                  const std::vector<SequenceToken>& tokens,
                                  const SharedForwardOptions& options = {});

}  // namespace mambascope
