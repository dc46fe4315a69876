// Second moments of a corpus at many places in one pass over it, on disk as they come, so that an
// interrupted run goes on where it stopped.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "mambascope/data/corpus.h"
#include "mambascope/experiments/editing/moments_file.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

struct MomentOptions {
  std::vector<Place> places = {};
  std::vector<std::filesystem::path> texts = {};
  int64_t limit_documents = 0;  // the first of them alone; 0: all
  int64_t max_tokens = 2048;    // of a document, what lies beyond is left out; no BOS is put before
                                // it (ROME: the same)
  double ridge =
      0;  // of the solutions that convergence is watched at; the moments themselves have none
  int64_t rows = 1024;          // tokens in one pass, of as many documents as fit
  double seconds_to_save = 60;  // between two times that the files are written
  std::string model = {};       // fingerprint of the checkpoint
  std::string made_by = {};     // digest of all else that the numbers depend on
  std::function<void(int64_t documents, int64_t of, int64_t tokens)> progress =
      {};  // tokens: in this run
};

struct MomentResult {
  Place place;
  int64_t width = 0;
  int64_t tokens = 0;
  int64_t documents = 0;
  double condition = 0;  // MomentSolver's, with the ridge
  Convergence convergence;
};

// How many of the corpus's last documents are held out: one in 20, at least 1 and at most 64.
// Convergence is watched at 64 of their tokens, and they are not counted in the moments.
int64_t HeldOut(int64_t documents);

// Collects what FOLDER/SITE.LAYER.npz do not hold yet, and writes them. One run and several that
// were interrupted give the same files. `corpus` is SummarizeCorpus(texts, limit_documents). Throws
// Error for a corpus of less than 2 documents, and for a file in FOLDER that is of another model,
// text or options.
std::vector<MomentResult> CollectMoments(const Model& model, const Tokenizer& tokenizer,
                                         const CorpusSummary& corpus,
                                         const std::filesystem::path& folder,
                                         const MomentOptions& options);

}  // namespace mambascope
