// Chooses which records of a data set are edited.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "mambascope/experiments/editing/edit_evaluation.h"

namespace mambascope {

struct RecordChoiceOptions {
  int64_t limit = 0;  // maximum number of records; 0: all
  // kKnown keeps the records whose true object the model knows.
  enum class Keep { kKnown, kAll } keep = Keep::kKnown;
  uint64_t seed = 0;  // of the order in which records are tested
  // Called with the number of records chosen and tested so far.
  std::function<void(int64_t chosen, int64_t tested)> progress = {};
};

// Numbers of records.
struct RecordChoice {
  int64_t chosen = 0;
  int64_t tested = 0;    // tested in the shuffled order, until enough were chosen
  int64_t of = 0;        // in the data
  int64_t left_out = 0;  // in the data's files too, but unusable
};

struct ChosenRecords {
  std::vector<DatasetRecord> records;
  RecordChoice choice;
};

// Shuffles the records and keeps some of them. Throws Error when none is left.
ChosenRecords ChooseRecords(const Model& model, const Tokenizer& tokenizer,
                            std::vector<DatasetRecord> records,
                            const RecordChoiceOptions& options = {});

}  // namespace mambascope
