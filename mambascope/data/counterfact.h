// Facts to rewrite, and the prompts that show what the rewriting did: CounterFact (Meng et al.,
// "Locating and Editing Factual Associations in GPT", 2022) and its relatives.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mambascope/data/read_faults.h"

namespace mambascope {

// One fact. Texts are verbatim, but white space around a target is dropped. A text is empty, and a
// list too, where the file's form lacks it.
struct CounterFactRecord {
  int64_t case_id = 0;
  std::string relation;  // the relation's id, such as P103
  std::string pattern;   // "The mother tongue of {} is": exactly one {}
  std::string subject;
  std::string target_new;   // the object to write
  std::string target_true;  // the object that it replaces
  std::string target_new_id;
  std::string target_true_id;
  std::vector<std::string> paraphrase_prompts;    // ask for the object in other words
  std::vector<std::string> neighborhood_prompts;  // ask about other subjects
  std::vector<std::string> neighborhood_truths;   // their answers; empty: each is target_true
  std::vector<std::string> attribute_prompts;     // ask about subjects that have target_new
  std::vector<std::string> generation_prompts;    // begin a text about the subject

  // The true answer of neighborhood_prompts[i].
  const std::string& NeighborhoodTruth(size_t i) const {
    return neighborhood_truths.empty() ? target_true : neighborhood_truths[i];
  }
};

// The fields that a command uses. Others are not asked for.
struct RecordUse {
  bool truth = true;  // target_true must be there
  bool edit = true;   // target_new must be there, and the prompts that evaluate an edit are read
};

// Reads the records of a JSON list or of JSON Lines. docs/data.md shows each form:
// - CounterFact: {"case_id", "requested_rewrite": {"prompt", "relation_id", "subject",
//   "target_new": {"str", "id"}, "target_true": {"str", "id"}}, and four lists of prompts}.
// - CounterFact for tracing: {"relation": pattern, "subject", "target_true", "target_false"}, where
//   target_false is the object to write.
// - ROME's known facts: {"template", "subject", "attribute"}, without an object to write.
// - EasyEdit and KnowEdit: {"prompt", "subject", "target_new", "ground_truth", "rephrase_prompt",
//   "locality_prompt", "locality_ground_truth", "locality"}. The prompt is a pattern, or contains
//   the subject. Where it contains the subject twice, the last place is taken. Where it spells the
//   subject in other ASCII case, that spelling is taken. "locality" is nested, as in KnowEdit: each
//   of its prompts has a true answer of its own.
// - MEND's zsRE, for its questions and answers, where `use.edit` is false.
// Where there is no case_id, it is the place in the list, from 0. Fields of other names are
// ignored.
//
// A record that lacks a field in `use` is left out and named in `faults`; so is a bad optional
// field. Without `faults`, either throws. Throws Error, which names the file, for another form, and
// when no record can be used.
std::vector<CounterFactRecord> ReadCounterFact(const std::filesystem::path& file,
                                               const RecordUse& use = {},
                                               ReadFaults* faults = nullptr);

}  // namespace mambascope
