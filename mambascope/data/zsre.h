// zsRE: questions whose answers are to be edited, in the form of MEND's evaluation set (Levy et
// al., "Zero-Shot Relation Extraction via Reading Comprehension", 2017; Mitchell et al., "Fast
// Model Editing at Scale", 2022).
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
  std::string alt;      // another answer, which is not true; empty: the record has no "alt"
  std::string loc;      // an unrelated question, such as "nq question: who wrote hamlet"
  std::string loc_ans;  // its answer
};

// Reads a list of {"subject", "src", "rephrase", "answers", "alt", "loc", "loc_ans"}, as
// zsre_mend_eval.json is, or JSON Lines of them. "alt" may be missing. Where "src" contains the
// subject twice, the last place is taken. Fields of other names are ignored.
//
// A record with a bad field, or an empty "alt", is left out and named in `faults`. Without
// `faults`, it throws. Throws Error, which names the file, for another form, and when no record can
// be used.
std::vector<ZsreRecord> ReadZsre(const std::filesystem::path& file, ReadFaults* faults = nullptr);

}  // namespace mambascope
