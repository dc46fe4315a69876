// Second moments that `edit` needs: a cache of those that were collected before.
//
//   CACHE/MODEL/RUN/SITE.LAYER.npz     MODEL: the checkpoint's fingerprint. RUN: a digest of the
//                                      text, --max-tokens, --compat and all else that decides them
//   CACHE/MODEL/RUN/SITE.LAYER.json    what made them, written when they are complete
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "mambascope/cli/common.h"
#include "mambascope/jobs/earlier_result.h"

namespace mambascope {

// What second moments are collected of.
struct MomentText {
  std::vector<std::string> texts;  // files; none: the bundled sentences
  int64_t max_tokens = 0;          // of a document
};

// The cache's folder for the user: $XDG_CACHE_HOME/mambascope/moments, or else
// ~/.cache/mambascope/moments. Throws Error when the environment has neither variable.
std::filesystem::path UserMomentsCache();

// Returns the files with the moments at `places`. `base` is the fingerprint of the checkpoint that
// an edited checkpoint was made from; empty: the model is not edited. A place's moments are the
// model's own from the cache, or else its base's from the cache. Those that are in neither are
// collected into the cache, as the command `moments` does. When another program collects there, it
// waits for it, and says so.
std::map<Place, std::filesystem::path> CachedMoments(const CommonArguments& common,
                                                     const Model& model, const Tokenizer& tokenizer,
                                                     const MomentText& text,
                                                     const std::vector<Place>& places,
                                                     const std::filesystem::path& cache,
                                                     const std::string& base);

}  // namespace mambascope
