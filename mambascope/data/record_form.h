// The forms in which this field ships facts, and how a file's form is recognized
// (docs/data.md has an example of each).
#pragma once

#include <filesystem>

#include "mambascope/tokenizer/json_node.h"

namespace mambascope {

enum class RecordForm {
  kRelations,    // RELATIONS: a relation with templates and samples
  kCounterFact,  // CounterFact: requested_rewrite and lists of prompts
  kTracing,      // CounterFact for tracing: relation, target_true and target_false as texts
  kKnownFacts,   // ROME's known facts: template, subject, attribute
  kEasyEdit,     // EasyEdit and KnowEdit: prompt, subject, target_new, ground_truth
  kZsre,         // MEND's zsRE: src, answers, alt, loc
  kWikiBio,      // KnowEdit's WikiBio: texts, without facts
  kUnknown,
};

// The form of a record, or of a whole document.
RecordForm FormOf(const JsonNode& node);

// The form's name and the option that takes it: "CounterFact: use --counterfact".
const char* DescribeForm(RecordForm form);

// The document in a file of records: a JSON list, or JSON Lines (an object per line), which becomes
// a list. Empty lines are skipped. Throws Error, which names the file, and of JSON Lines the line.
Json ReadRecords(const std::filesystem::path& file);

}  // namespace mambascope
