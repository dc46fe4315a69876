// The second moments that edits solve with, and the texts whose perplexity edits should not change.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/cli/moments.h"
#include "mambascope/experiments/editing/moments.h"

namespace mambascope {

// Options of `edit` about second moments and texts.
struct EditTextArguments {
  std::string moments;             // file or folder; empty: from the cache
  std::vector<std::string> texts;  // files; none: the bundled sentences
  int64_t max_tokens = 0;          // of a document
  std::string cache;               // folder; empty: the user's
  std::optional<double> ridge;     // none: 0, but kSmallRidge where the moments have no inverse
  std::filesystem::path out;       // of the results: keeps moments where the user has no cache
};

// The ridge of moments that have no inverse. Keys in directions that the text never takes are then
// 1000 times as easy to move as the average direction.
inline constexpr double kSmallRidge = 1e-3;

// The model that is edited, and its identity.
struct EditedModel {
  const Model& model;
  const Tokenizer& tokenizer;
  std::string name;         // as --model gives it
  std::string fingerprint;  // of the checkpoint
  std::string base;         // of the checkpoint that an edited one was made from; empty: not edited

  // Whether it is a bundled model, or was made from one.
  bool IsBundled() const;
};

struct EditMoments {
  std::map<Place, MomentSolver> solvers;
  Json echo = Json::object();  // place -> {tokens, digest, and ridge where one was needed}
  bool of_base = false;        // whether some of them are of EditedModel::base
};

// Takes the moments of --moments, or else of the cache. Warns where the bundled sentences stand in
// for a foreign model's text, and where moments have no inverse and get a ridge. Throws Error,
// which names the place, where they have no inverse at the ridge that was given.
EditMoments TakeEditMoments(const CommonArguments& common, const EditTextArguments& arguments,
                            const EditedModel& edited, const std::set<Place>& places);

struct PerplexityTexts {
  std::vector<std::vector<int64_t>> documents;  // up to 64; may be empty
  std::string name;  // the files of --text, or "bundled"; empty without documents
};

// The first documents of --text. Without --text, those of the bundled text, for a bundled model or
// where the moments come from that text. Otherwise there are none, and a note says why.
PerplexityTexts TakePerplexityTexts(const CommonArguments& common,
                                    const EditTextArguments& arguments, const EditedModel& edited);

}  // namespace mambascope
