// zsRE: questions whose answers are to be edited, in the form of MEND's evaluation set (Levy et
// al., "Zero-Shot Relation Extraction via Reading Comprehension", 2017; Mitchell et al., "Fast
// Model Editing at Scale", 2022).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mambascope {

// One fact. Texts are verbatim.
struct ZsreRecord {
  std::string pattern;  // the question, with {} for the subject
  std::string subject;
  std::string rephrase;              // the question in other words
  std::vector<std::string> answers;  // true ones, at least one
  std::string alt;      // another answer, which is not true; empty where the file has none
  std::string loc;      // an unrelated question, such as "nq question: who wrote hamlet"
  std::string loc_ans;  // its answer
};

// Reads a list of {"subject", "src", "rephrase", "answers", "alt", "loc", "loc_ans"}, as
// zsre_mend_eval.json is; "alt" may be left out. Where the subject stands in "src" several times,
// its last place is taken. Fields of other names are ignored. Throws Error, which names the file,
// the record (by its place in the list) and the field, for a field that is missing, empty or of
// another type, a subject that is not in "src", and a list without records.
std::vector<ZsreRecord> ReadZsre(const std::filesystem::path& file);

}  // namespace mambascope
