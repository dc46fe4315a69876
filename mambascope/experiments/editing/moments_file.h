// Second moments on disk, in the layout of ROME's util/runningstats.py (numpy.savez of a
// CombinedStat), so that its statistics load here and ours there. docs/formats.md lists the keys.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/experiments/editing/moments.h"

namespace mambascope {

// How far the moments have converged: at (about) doubling numbers of tokens, the mean over held-out
// keys of |u - u'| / |u|, where u = C^-1 k and u' is the one of half as many tokens.
struct Convergence {
  std::vector<int64_t> tokens = {};
  std::vector<std::optional<double>> change =
      {};                     // none at the first, and where either C was singular
  at::Tensor solutions = {};  // u at the last of `tokens`: [key, width]; undefined: there is none
};

// What one file holds. Files of others have the first two alone.
struct StoredMoments {
  Moments moments;
  int64_t documents = 0;         // that the moments are of; ROME's sample_size
  std::optional<Place> place{};  // of the keys
  std::string model = {};        // fingerprint of the checkpoint
  std::string text = {};         // and of the corpus
  std::string made_by = {};      // digest of all that the numbers depend on
  Convergence convergence = {};
};

// FOLDER/mixed.3.npz
std::filesystem::path MomentsPath(const std::filesystem::path& folder, const Place& place);

// REQUIRES: stored.place has a value.
void WriteMoments(const std::filesystem::path& file, const StoredMoments& stored);

// Reads one file, ours or ROME's. Throws Error when it is none, holds numbers that are not finite,
// or has another width than `width`.
StoredMoments ReadMomentsFile(const std::filesystem::path& file, int64_t width);

// The moments at `place` of a model with this fingerprint. `path` is a file; a folder of files that
// `mambascope moments` wrote, or the folder above it; or a folder of published files, which are
// named by the layer's module: model.layers.3.mixer.out_proj_float32_mom2_100000.npz. Throws Error
// when there is none (it lists what there is) or more than one, when they are of another place,
// width or model. Files that do not say of what model they are, are taken at their word.
Moments ReadMoments(const std::filesystem::path& path, const Place& place, int64_t width,
                    const std::string& fingerprint);

}  // namespace mambascope
