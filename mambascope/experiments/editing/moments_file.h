// Reads and writes second moments in the layout of ROME's util/runningstats.py (numpy.savez of a
// CombinedStat), so that both programs read each other's files. docs/formats.md lists the keys.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mambascope/experiments/editing/moments.h"

namespace mambascope {

// How far the moments have converged. `tokens` are the points of measurement; each is about twice
// the one before. `change` is the mean of |u - u'| / |u| over held-out keys k. u is C^-1 k, and u'
// is the same at the point before.
struct Convergence {
  std::vector<int64_t> tokens = {};
  // None at the first number of tokens, and where either C was singular.
  std::vector<std::optional<double>> change = {};
  // u at the last of `tokens`, [key, width]; undefined where there is none.
  at::Tensor solutions = {};
};

// Contents of one file. Files of other programs have only the first two.
struct StoredMoments {
  Moments moments;
  int64_t documents = 0;         // number of documents; ROME's sample_size
  std::optional<Place> place{};  // of the keys
  std::string model = {};        // fingerprint of the checkpoint
  std::string text = {};         // fingerprint of the corpus
  std::string made_by = {};      // digest of all that the numbers depend on
  std::string shard = {};        // "2/4"; empty: the whole run
  Convergence convergence = {};
};

// FOLDER/mixed.3.npz
std::filesystem::path MomentsPath(const std::filesystem::path& folder, const Place& place);

// REQUIRES: stored.place has a value.
void WriteMoments(const std::filesystem::path& file, const StoredMoments& stored);

// Reads a file of mambascope or ROME. Throws Error when it is not such a file, holds numbers that
// are not finite, or has another width than `width`.
StoredMoments ReadMomentsFile(const std::filesystem::path& file, int64_t width);

// Returns the moments at `place` of a model with one of these fingerprints. `path` is a file, or a
// folder of files that `mambascope moments` wrote, or the folder above it. It can also be a folder
// of published files, which are named by the layer's module:
// model.layers.3.mixer.out_proj_float32_mom2_100000.npz. Throws Error when there is no such file
// (the Error lists those that exist) or more than one, and when it is of another place, width or
// model, or of a shard. A file that names no model is accepted.
StoredMoments ReadStoredMoments(const std::filesystem::path& path, const Place& place,
                                int64_t width, const std::set<std::string>& fingerprints);
// Like ReadStoredMoments, for one model. Returns only the moments.
Moments ReadMoments(const std::filesystem::path& path, const Place& place, int64_t width,
                    const std::string& fingerprint);

}  // namespace mambascope
