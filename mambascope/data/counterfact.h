// CounterFact: facts to rewrite, and the prompts that say what the rewriting did (Meng et al.,
// "Locating and Editing Factual Associations in GPT", 2022).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mambascope {

// One fact. Texts are verbatim: a target has the space before it only where the file has it.
struct CounterFactRecord {
  int64_t case_id = 0;
  std::string relation;  // the relation's id, such as P103; empty in EasyEdit's form
  std::string pattern;   // "The mother tongue of {} is": exactly one {}
  std::string subject;
  std::string target_new;                       // the object to write
  std::string target_true;                      // the object that it replaces
  std::string target_new_id;                    // the objects' ids; empty where the file has none
  std::string target_true_id;                   //
  std::vector<std::string> paraphrase_prompts;  // ask for the object in other words
  std::vector<std::string>
      neighborhood_prompts;  // ask for it of other subjects, of which target_true is true
  std::vector<std::string> attribute_prompts;  // of other subjects, of which target_new is true;
                                               // empty in EasyEdit's form
  std::vector<std::string>
      generation_prompts;  // begin a text about the subject; empty in EasyEdit's form
};

// Reads a list of records. Each is in one of two forms:
// - CounterFact's: {"case_id", "requested_rewrite": {"prompt": pattern, "relation_id", "subject",
// "target_new": {"str", "id"},
//   "target_true": {"str", "id"}}, and the four lists of prompts}; the ids of the targets may be
//   left out.
// - EasyEdit's: {"case_id", "prompt", "subject", "target_new", "ground_truth", "rephrase_prompt",
// "locality_prompt",
//   "locality_ground_truth"}. The prompt is a pattern, or has the subject filled in: the last place
//   where the subject stands is taken, and where only its spelling in other ASCII case stands, that
//   spelling becomes the subject. `case_id` (the place in the list, from 0) and the last three may
//   be left out; the last four may be a text or a list, and target_true is ground_truth's first.
// Fields of other names are ignored. Throws Error, which names the file, the record (by its place
// in the list) and the field, for a field that is missing, empty or of another type, a pattern
// without exactly one {}, a subject that is not in the prompt, a locality_ground_truth that is none
// of ground_truth (it is then about another relation), and a list without records.
std::vector<CounterFactRecord> ReadCounterFact(const std::filesystem::path& file);

}  // namespace mambascope
