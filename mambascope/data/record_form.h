// Public data sets store facts in different forms. FormOf recognizes the form of a file.
// docs/data.md has an example of each form.
#pragma once

#include <filesystem>

#include "mambascope/data/read_faults.h"
#include "mambascope/tokenizer/json_node.h"

namespace mambascope {

enum class RecordForm {
  kRelations,    // RELATIONS: a relation with templates and samples
  kCounterFact,  // CounterFact: requested_rewrite and lists of prompts
  kTracing,      // CounterFact for tracing: texts relation, target_true and target_false
  kKnownFacts,   // ROME's known facts: template, subject, attribute
  kEasyEdit,     // EasyEdit and KnowEdit: prompt, subject, target_new, ground_truth
  kZsre,         // MEND's zsRE: src, answers, alt, loc
  kWikiBio,      // KnowEdit's WikiBio: texts without facts
  kUnknown,
};

// Returns the form of a record, or of a whole document.
RecordForm FormOf(const JsonNode& node);

// Returns the form's name and the option that reads it, such as "CounterFact: use --counterfact".
const char* DescribeForm(RecordForm form);

// Reads a file of records. JSON Lines (one object per line) become a list, without empty lines. Any
// other JSON document is returned as it is. A line that is not JSON is left out and reported in
// `faults`. Throws Error when nothing can be read and, without `faults`, for the first such line.
// The Error names the file and, for JSON Lines, the line.
Json ReadRecords(const std::filesystem::path& file, ReadFaults* faults = nullptr);

}  // namespace mambascope
