// This file chooses which records of a data set are edited.
#pragma once

#include <cstdint>
#include <vector>

#include "mambascope/experiments/editing/edit_evaluation.h"

namespace mambascope {

struct RecordChoiceOptions {
  int64_t limit = 0;  // records at most; 0: all
  // kKnown keeps the records whose true object the model knows.
  enum class Keep { kKnown, kAll } keep = Keep::kKnown;
  uint64_t seed = 0;  // of the order in which the records are looked at
};

// How many records were chosen, of how many.
struct RecordChoice {
  int64_t chosen = 0;
  int64_t tested = 0;    // of the data's, in the shuffled order, until there were enough
  int64_t of = 0;        // records of the data
  int64_t left_out = 0;  // further records of the data, which cannot be used
};

struct ChosenRecords {
  std::vector<DatasetRecord> records;
  RecordChoice choice;
};

// Shuffles the records and keeps some of them. Throws Error when that leaves none.
ChosenRecords ChooseRecords(const Model& model, const Tokenizer& tokenizer,
                            std::vector<DatasetRecord> records,
                            const RecordChoiceOptions& options = {});

}  // namespace mambascope
