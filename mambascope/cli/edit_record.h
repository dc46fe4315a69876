// Records of a data set as edits take them: a fact to rewrite, and how the model that the rewriting leaves is judged.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mambascope/cli/edit_setup.h"

namespace mambascope {

struct EditRecord {
  Json head;  // case_id, relation, prompt, subject, target_new, target_true, and a digest of what else it is evaluated by
  Rewrite rewrite;
  std::string true_object;
  // The measures ES to NA, shares; with --generate entropy (bits) and reference (a cosine), too. It lives as long as the setup.
  std::function<Json(const Model&)> evaluate;
};

// The record's prompts. Throws Error, which names the record, as PrepareRewrite does.
RewritePrompts PromptsOf(const EditRecord& record, const EditSetup& setup);

struct ChosenRecords {
  std::vector<EditRecord> records;
  int64_t tested = 0;  // of the data's, in the shuffled order, until there were enough
  int64_t of = 0;
  Json json() const { return {{"chosen", records.size()}, {"tested", tested}, {"of", of}}; }
};

// --limit of them, in a random order; without --all-facts those whose true object the model knows. Throws Error when that leaves none.
ChosenRecords ChooseRecords(const CommonOptions& common, const EditOptions& options, const EditSetup& setup);

}  // namespace mambascope
