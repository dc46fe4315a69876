// Reads zsRE, a data set of questions whose answers are edited (Levy et al., "Zero-Shot Relation
// Extraction via Reading Comprehension", 2017). The form is that of MEND's evaluation set (Mitchell
// et al., "Fast Model Editing at Scale", 2022).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mambascope/data/read_faults.h"

namespace mambascope {

// One fact. Texts are verbatim.
struct ZsreRecord {
  std::string pattern;  // the question, with {} for the subject
  std::string subject;
  std::string rephrase;              // the question in other words
  std::vector<std::string> answers;  // true answers, at least one
  std::string alt;                   // an untrue answer; empty if the record has no "alt"
  std::string loc;      // an unrelated question, such as "nq question: who wrote hamlet"
  std::string loc_ans;  // its answer
};

// Reads the form of zsre_mend_eval.json, as a JSON list, JSON Lines or a single record:
//   {"subject", "src", "rephrase", "answers", "alt", "loc", "loc_ans"}
// "alt" may be missing. The question "src" must contain the subject, and becomes a pattern by
// PromptPattern. Other fields are ignored.
//
// A record with a bad field or an empty "alt" is left out and reported in faults->left_out. Without
// `faults`, it throws Error. Throws Error, which names the file, for another form, and when no
// record can be used.
std::vector<ZsreRecord> ReadZsre(const std::filesystem::path& file, ReadFaults* faults = nullptr);

}  // namespace mambascope
