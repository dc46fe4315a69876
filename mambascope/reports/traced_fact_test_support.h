// A small traced fact, of which tests of reports make results.
#pragma once

#include <string>

#include "mambascope/experiments/facts/traced_fact.h"

namespace mambascope {

// "SUBJECT is in", where the corrupted subject is Rome.
inline TracedFact MakeTracedFact(const std::string& subject) {
  return {.relation = "city",
          .clean = {.text = subject + " is in",
                    .ids = {1, 2, 3},
                    .tokens = {subject, " is", " in"},
                    .subject = subject,
                    .subject_span = {0, 1}},
          .corrupt = Prompt{.text = "Rome is in",
                            .ids = {4, 2, 3},
                            .tokens = {"Rome", " is", " in"},
                            .subject = "Rome",
                            .subject_span = {0, 1}},
          .answer_id = 7,
          .answer = " France",
          .p_clean = 0.5,
          .p_corrupt = 0.25};
}

}  // namespace mambascope
