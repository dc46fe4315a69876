#include "mambascope/experiments/lre/result.h"

namespace mambascope {

LreOptions AsPublished(LreOptions options) {
  options.protocol = LreOptions::Protocol::kPublished;
  options.train_prompts.subject = RelationPromptOptions::Subject::kLast;
  options.test_prompts.subject = RelationPromptOptions::Subject::kFirst;
  return options;
}

std::vector<const LreTrial*> LreRelation::Done() const {
  std::vector<const LreTrial*> done;
  for (const LreTrial& trial : trials) {
    if (trial.skipped.empty()) done.push_back(&trial);
  }
  return done;
}

}  // namespace mambascope
