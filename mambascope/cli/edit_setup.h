// What every kind of edit needs before it begins: the options of `edit`, contexts, and the moments
// of the keys.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mambascope/cli/common.h"
#include "mambascope/cli/edit_checks.h"
#include "mambascope/cli/edit_contexts.h"
#include "mambascope/cli/edit_moments.h"
#include "mambascope/cli/edit_places.h"
#include "mambascope/cli/output.h"
#include "mambascope/experiments/editing/edit_file.h"
#include "mambascope/experiments/editing/edit_inputs.h"
#include "mambascope/experiments/editing/moments_run.h"
#include "mambascope/experiments/editing/rewrite.h"
#include "mambascope/experiments/editing/rome.h"
#include "mambascope/jobs/run_description.h"

namespace mambascope {

struct EditArguments {
  std::optional<std::string> prompt, subject, target;  // one edit
  std::vector<std::string> relations, check_prompts;   // that one edit is checked on
  std::vector<std::string> counterfact, zsre;          // or records of a data set
  std::optional<int64_t> limit;                        // none: all
  bool all_facts = false;
  std::string layers;                    // empty: ChoosePlaces chooses
  std::vector<std::string> projections;  // none: the one that the published edits of the
                                         // architecture change, W_o or W_down
  std::string contexts;  // a file, or the name of a plan; empty: ChooseContexts chooses
  std::string moments;   // file or folder; empty: those of `texts`, from the cache
  std::vector<std::string> texts;
  int64_t max_tokens = MomentOptions().max_tokens;  // of a document of `texts`
  std::string cache;                                // empty: the user's
  std::optional<double> ridge;  // none: 0, but a small one where moments have no inverse
  std::string method = "rome";
  std::string division = "bare";  // ROME's
  std::optional<double> lambda;   // MEMIT's
  std::vector<int64_t> edits;     // this many in one model; none: each alone
  bool generate = false;
  std::string snippets;
  std::optional<int> steps;     // none: the method's
  std::optional<double> clamp;  // none: the method's
  double learning_rate = ValueOptions().learning_rate, decay = ValueOptions().decay,
         kl = ValueOptions().kl;
  std::optional<uint64_t> memory;
  OutputArguments output;

  // Whether records of a data set are edited.
  bool FromFiles() const { return !counterfact.empty() || !zsre.empty(); }
  const std::vector<std::string>& files() const { return zsre.empty() ? counterfact : zsre; }
};
void VisitEditOptions(EditArguments& arguments, OptionVisitor& option);

// RefuseOtherRun for edit.json. An edit of one fact and edits of records are different runs. Where
// `with` has names of options that only choose records, results of other records count as another
// run's, too.
void RefuseOtherEdit(const OutputFolder& folder, const RunDescription& run, OtherRuns other,
                     const std::vector<std::string>& with = {});

// Writes edit.safetensors beside the results, and names it under their text.
void WriteEditResults(const CommonArguments& common, const OutputArguments& output,
                      const OutputFolder& folder, const StoredEdits& edits, CommandResult result);

class EditSetup {
 public:
  // Loads the model and its contexts. `folder` is that of the results. Throws Error when one edit
  // of --method cannot be at all the places.
  EditSetup(const CommonArguments& common, const EditArguments& options,
            const OutputFolder& folder);
  // Takes the moments of all keys. Collecting them can take long, so call it after all that can be
  // refused before. Throws Error as TakeEditMoments does.
  void TakeMoments();
  // The prompts to check one edit on.
  std::vector<CheckPrompt> Checks(const Rewrite& rewrite) const;

  const Model& model() const { return model_; }
  const std::string& fingerprint() const { return fingerprint_; }
  const Tokenizer& tokenizer() const { return tokenizer_; }
  const Contexts& contexts() const { return contexts_.contexts; }
  const std::vector<EditPlace>& places() const { return places_.places; }
  std::set<int> layers() const { return EditedLayers(places()); }
  // The one projection. Throws Error where there are several.
  const std::string& projection() const;
  // Writes OUT/contexts.json.
  void WriteContexts() const;
  // Its solvers may be called after TakeMoments. REQUIRES: the setup outlives it.
  EditInputs inputs() const;
  // Of --method.
  EditMethod method() const;
  RomeOptions rome() const;
  // Some documents, which edits should leave as probable as they were.
  PerplexityTexts Texts() const;
  // What the edits depend on beside the options. Without the second moments before TakeMoments.
  void Describe(RunDescription& run) const;

 private:
  // Warns of the other layers that an edit changes.
  void NoteSharedWeights() const;
  // Throws Error where one edit of --method cannot be at all the places: ROME changes one weight,
  // and MEMIT one projection.
  void CheckPlaces() const;
  // ROME and MEMIT search with these.
  ValueOptions value() const;
  EditedModel edited() const { return {model_, tokenizer_, common_.model, fingerprint_, base_}; }
  EditTextArguments texts() const;

  const CommonArguments& common_;
  const EditArguments& options_;
  const OutputFolder& folder_;
  const Tokenizer tokenizer_;
  const Model model_;
  ChosenPlaces places_;
  ChosenContexts contexts_;
  const std::string fingerprint_, base_;  // EditedModel
  const Json snippets_;                   // their digest
  EditMoments moments_;
};

}  // namespace mambascope
