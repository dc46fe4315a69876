// Reads facts to rewrite, and prompts that evaluate the edit. They come from CounterFact (Meng et
// al., "Locating and Editing Factual Associations in GPT", 2022) and similar data sets.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mambascope/data/read_faults.h"

namespace mambascope {

// One fact. Texts are verbatim, except that white space around a target is removed. Texts and lists
// that the file's form lacks are empty.
struct CounterFactRecord {
  int64_t case_id = 0;
  std::string relation = {};  // the relation's id, such as P103
  std::string pattern = {};   // such as "The mother tongue of {} is"; has exactly one {}
  std::string subject = {};
  std::string target_new = {};   // the object to write
  std::string target_true = {};  // the true object, which target_new replaces
  std::string target_new_id = {};
  std::string target_true_id = {};
  std::vector<std::string> paraphrase_prompts = {};    // ask for the object in other words
  std::vector<std::string> neighborhood_prompts = {};  // ask about other subjects
  std::vector<std::string> neighborhood_truths =
      {};                                           // their answers; if empty, all are target_true
  std::vector<std::string> attribute_prompts = {};  // ask about subjects whose object is target_new
  std::vector<std::string> generation_prompts = {};  // begin a text about the subject

  // Returns the true answer to neighborhood_prompts[i].
  const std::string& NeighborhoodTruth(size_t i) const {
    return neighborhood_truths.empty() ? target_true : neighborhood_truths[i];
  }
};

// The fields that a command uses. A record may lack other fields.
struct RecordUse {
  bool truth = true;  // target_true is required
  bool edit = true;   // target_new is required, and the prompts that evaluate an edit are read
};

// Reads records from a JSON list, from JSON Lines, or a single record. A record has one of these
// forms (docs/data.md has an example of each):
// - CounterFact: {"case_id", "requested_rewrite": {"prompt", "relation_id", "subject",
//   "target_new": {"str", "id"}, "target_true": {"str", "id"}}, and four lists of prompts}.
// - CounterFact for tracing: {"relation": pattern, "subject", "target_true", "target_false"}, where
//   target_false is the object to write.
// - ROME's known facts: {"template", "subject", "attribute"}. They have no object to write, so they
//   are refused if `use.edit`.
// - EasyEdit and KnowEdit: {"prompt", "subject", "target_new", "ground_truth", "rephrase_prompt",
//   "locality_prompt", "locality_ground_truth", "locality"}. "locality" is nested, as in
//   KnowEdit: each of its prompts has its own true answer.
// - MEND's zsRE, whose questions and answers are read. It is refused if `use.edit`.
// A prompt or question without {} must contain the subject, and becomes a pattern by PromptPattern.
// If it has the subject only in other ASCII case, its spelling becomes the subject. A record
// without a case_id gets its index in the list, from 0. Other fields are ignored.
//
// A record without a field that `use` requires is left out and reported in faults->left_out. A bad
// optional field is ignored and reported in faults->ignored. Without `faults`, both throw Error.
// Throws Error, which names the file, for another form, and when no record can be used.
std::vector<CounterFactRecord> ReadCounterFact(const std::filesystem::path& file,
                                               const RecordUse& use = {},
                                               ReadFaults* faults = nullptr);

}  // namespace mambascope
