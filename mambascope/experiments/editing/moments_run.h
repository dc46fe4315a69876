// Collects second moments of a corpus at many places in one pass. Results are saved while it runs,
// so that an interrupted run can continue where it stopped.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/data/corpus.h"
#include "mambascope/data/shard.h"
#include "mambascope/experiments/editing/moments_file.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

struct MomentOptions {
  std::vector<Place> places = {};
  std::vector<std::filesystem::path> texts = {};
  int64_t limit_documents = 0;  // use only this many documents from the start; 0: all
  // Tokens of a document; the rest is left out. No BOS is put before a document. ROME does the
  // same.
  int64_t max_tokens = 2048;
  // Ridge of the solutions that measure convergence. The stored moments have none.
  double ridge = 0;
  int64_t rows = 1024;  // maximum tokens per pass; a longer document has its own pass
  // Takes every n-th of the passes of the whole run; none: all of them.
  std::optional<Shard> shard = {};
  double seconds_to_save = 5;  // minimum time between two saves
  std::string model = {};      // fingerprint of the checkpoint
  std::string made_by = {};    // digest of everything else that the numbers depend on
  // What becomes of files in the folder that another run made. kRefuse throws Error; kReplace makes
  // them anew.
  enum class Others { kRefuse, kReplace } others = Others::kRefuse;
  // `tokens` counts those of this run.
  std::function<void(int64_t documents, int64_t of, int64_t tokens)> progress = {};
  std::function<void()> saved = {};  // called after each save
};

struct MomentResult {
  Place place;
  int64_t width = 0;
  int64_t tokens = 0;
  int64_t documents = 0;  // read so far; a shard also counts those that it skipped
  double condition = 0;   // MomentSolver::condition, with the ridge
  Convergence convergence;
};

// Number of documents held out at the corpus's end: one in 20, at least 1 and at most 64. They are
// not counted in the moments. Convergence is measured at 64 of their tokens.
int64_t HeldOut(int64_t documents);

// Collects the moments that are missing in FOLDER, and writes FOLDER/SITE.LAYER.npz. An
// uninterrupted run and several interrupted ones write the same files. `corpus` is
// SummarizeCorpus(texts, limit_documents). Throws Error for a corpus of fewer than 2 documents, for
// a shard without a pass, and for kRefuse, when a file in FOLDER is of another model, text, shard
// or options.
std::vector<MomentResult> CollectMoments(const Model& model, const Tokenizer& tokenizer,
                                         const CorpusSummary& corpus,
                                         const std::filesystem::path& folder,
                                         const MomentOptions& options);

// Adds what all shards of a run hold at a place, in FOLDER/SITE.LAYER.npz of each of `folders`.
// The result is that of the whole run, but convergence is not known. Throws Error for files that
// are not the shards 1 to n of one run, and for shards that have not finished.
StoredMoments JoinMoments(const std::vector<std::filesystem::path>& folders, const Place& place,
                          int64_t width);

}  // namespace mambascope
