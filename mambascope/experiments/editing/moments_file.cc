#include "mambascope/experiments/editing/moments_file.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "mambascope/checkpoint/npz.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSum = "mom2.mom2";
constexpr const char* kCount = "mom2.count";
constexpr const char* kDocuments = "sample_size";
constexpr const char* kLayer = "mambascope.layer";
constexpr const char* kRest = "mambascope.rest";
constexpr const char* kShard = "mambascope.shard";

// The modules whose input is the state at a site, as published files name them.
constexpr std::pair<Site, std::string_view> kModules[] = {{Site::kMixed, "mixer.out_proj"},
                                                          {Site::kMixerIn, "mixer.in_proj"},
                                                          {Site::kMlpMid, "mlp.c_proj"},
                                                          {Site::kMlpMid, "mlp.dense_4h_to_h"},
                                                          {Site::kMlpMid, "mlp.down_proj"}};

// Limits on what is read beside the sum, far above what is written.
constexpr int64_t kMostCounts = 1024;  // numbers in an array of counts
constexpr uint64_t kLongestText = 16 << 10;
constexpr int64_t kMostSolutions = 4096;

// Reads an array of `shape`, in which -1 stands for any size up to `most`. Throws Error when the
// file lacks it, and when it has another shape.
at::Tensor GetArray(const NpzFile& npz, const char* key, const std::vector<int64_t>& shape,
                    const fs::path& file, int64_t most = kMostCounts) {
  if (!npz.Has(key))
    throw Error(fmt::format("{}: lacks the array '{}'", file.string(), key),
                "give a file that `mambascope moments` or ROME wrote");
  const std::vector<int64_t> given = npz.Shape(key);
  const bool fits = std::equal(given.begin(), given.end(), shape.begin(), shape.end(),
                               [most](int64_t a, int64_t b) { return b < 0 ? a <= most : a == b; });
  if (!fits)
    throw Error(fmt::format("{}: '{}' has the shape [{}]; expected [{}]", file.string(), key,
                            fmt::join(given, ", "), fmt::join(shape, ", ")));
  const auto elements = std::accumulate(given.begin(), given.end(), uint64_t{1},
                                        [](uint64_t n, int64_t size) { return n * size; });
  const NpzValue value = npz.Read(key, elements * sizeof(double));
  if (const auto* tensor = std::get_if<at::Tensor>(&value)) return *tensor;
  throw Error(fmt::format("{}: '{}' is a text; expected numbers", file.string(), key));
}

// Reads one integer.
int64_t GetInteger(const NpzFile& npz, const char* key, const fs::path& file) {
  const at::Tensor value = GetArray(npz, key, {}, file);
  if (!at::isIntegralType(value.scalar_type(), /*includeBool=*/false))
    throw Error(fmt::format("{}: '{}' is not an integer", file.string(), key));
  return value.item<int64_t>();
}

int64_t GetCount(const NpzFile& npz, const char* key, const fs::path& file) {
  const int64_t count = GetInteger(npz, key, file);
  if (count < 1)
    throw Error(fmt::format("{}: '{}' is not a count of 1 or more", file.string(), key));
  return count;
}

std::string GetText(const NpzFile& npz, const char* key) {
  if (!npz.Has(key)) return "";
  const NpzValue value = npz.Read(key, kLongestText);
  const auto* text = std::get_if<std::string>(&value);
  return text == nullptr ? "" : *text;
}

at::Tensor GetFinite(const NpzFile& npz, const char* key, const std::vector<int64_t>& shape,
                     const fs::path& file) {
  at::Tensor array = GetArray(npz, key, shape, file).to(at::kDouble);
  if (!at::isfinite(array).all().item<bool>())
    throw Error(fmt::format("{}: '{}' holds numbers that are not finite", file.string(), key));
  return array;
}

at::Tensor GetSum(const NpzFile& npz, int64_t width, const fs::path& file) {
  if (npz.Has(kSum)) {
    const std::vector<int64_t> shape = npz.Shape(kSum);
    if (shape.size() != 2 || shape[0] != shape[1])
      throw Error(fmt::format("{}: '{}' has the shape [{}], but must be square", file.string(),
                              kSum, fmt::join(shape, ", ")));
    if (shape[0] != width)
      throw Error(
          fmt::format("{}: these second moments have width {}, but the model's keys have width {}",
                      file.string(), shape[0], width),
          "they are of another model or another projection");
  }
  return GetFinite(npz, kSum, {width, width}, file);
}

Convergence GetConvergence(const NpzFile& npz, int64_t width, const fs::path& file) {
  constexpr const char *kTokens = "convergence.tokens", *kChange = "convergence.change",
                       *kSolutions = "convergence.solutions";
  Convergence convergence;
  if (!npz.Has(kTokens) || !npz.Has(kChange)) return convergence;
  const at::Tensor tokens = GetArray(npz, kTokens, {-1}, file).to(at::kLong);
  const at::Tensor change = GetArray(npz, kChange, {tokens.size(0)}, file).to(at::kDouble);
  for (int64_t i = 0; i < tokens.numel(); ++i) {
    const auto value = change[i].item<double>();
    convergence.tokens.push_back(tokens[i].item<int64_t>());
    convergence.change.push_back(std::isfinite(value) ? std::optional(value) : std::nullopt);
  }
  if (npz.Has(kSolutions))
    convergence.solutions = GetArray(npz, kSolutions, {-1, width}, file, kMostSolutions);
  return convergence;
}

void PutConvergence(Npz& npz, const Convergence& convergence) {
  std::vector<double> change;
  for (const std::optional<double>& value : convergence.change)
    change.push_back(value.value_or(NAN));
  npz["convergence.tokens"] = at::tensor(convergence.tokens, at::kLong);
  npz["convergence.change"] = at::tensor(change, at::kDouble);
  if (convergence.solutions.defined()) npz["convergence.solutions"] = convergence.solutions;
}

// Whether a published file is named after this layer's module, like
// "transformer.h.17.mlp.c_proj_float32_mom2_100000.npz".
bool IsPublished(const std::string& name, const Place& place) {
  if (!name.ends_with(".npz") || name.find("mom2") == name.npos) return false;
  return std::any_of(std::begin(kModules), std::end(kModules), [&](const auto& module) {
    const std::string layer = fmt::format("{}.{}_", place.layer, module.second);
    const size_t at = module.first == place.site ? name.find(layer) : name.npos;
    return at != name.npos && (at == 0 || name[at - 1] == '.');
  });
}

fs::path FindMoments(fs::path folder, const Place& place) {
  if (fs::is_directory(folder / "moments")) folder /= "moments";
  if (fs::exists(MomentsPath(folder, place))) return MomentsPath(folder, place);
  std::vector<std::string> all, matching;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".npz")) all.push_back(name);
    if (IsPublished(name, place)) matching.push_back(name);
  }
  if (matching.size() == 1) return folder / matching[0];
  std::sort(all.begin(), all.end());
  std::sort(matching.begin(), matching.end());
  if (matching.size() > 1)
    throw Error(fmt::format("{}: more than one file has the second moments of {}: {}",
                            folder.string(), PlaceName(place), fmt::join(matching, ", ")),
                "give one of these files");
  throw Error(
      fmt::format("{}: there are no second moments of {} (.npz files: {})", folder.string(),
                  PlaceName(place), all.empty() ? "none" : fmt::format("{}", fmt::join(all, ", "))),
      fmt::format("make them with `mambascope moments --layers {}`", place.layer));
}

}  // namespace

fs::path MomentsPath(const fs::path& folder, const Place& place) {
  return folder / (PlaceName(place) + ".npz");
}

void WriteMoments(const fs::path& file, const StoredMoments& stored) {
  const auto scalar = [](int64_t n) { return at::scalar_tensor(n, at::kLong); };
  Npz npz = {{kSum, stored.moments.sum},
             {kCount, scalar(stored.moments.count)},
             {"mom2.constructor", "util.runningstats.SecondMoment()"},
             {kDocuments, scalar(stored.documents)},
             {"mambascope.site", std::string(SiteName(stored.place->site))},
             {kLayer, scalar(stored.place->layer)},
             {"mambascope.model", stored.model},
             {"mambascope.text", stored.text},
             {"mambascope.made_by", stored.made_by}};
  if (stored.moments.rest.defined()) npz[kRest] = stored.moments.rest;
  if (!stored.shard.empty()) npz[kShard] = stored.shard;
  PutConvergence(npz, stored.convergence);
  WriteNpz(file, npz);
}

StoredMoments ReadMomentsFile(const fs::path& file, int64_t width) {
  const NpzFile npz(file);
  StoredMoments stored{
      .moments = {.sum = GetSum(npz, width, file), .count = GetCount(npz, kCount, file)},
      .documents = npz.Has(kDocuments) ? GetCount(npz, kDocuments, file) : 0,
      .model = GetText(npz, "mambascope.model"),
      .text = GetText(npz, "mambascope.text"),
      .made_by = GetText(npz, "mambascope.made_by"),
      .shard = GetText(npz, kShard),
      .convergence = GetConvergence(npz, width, file)};
  if (npz.Has(kRest)) stored.moments.rest = GetFinite(npz, kRest, {width, width}, file);
  const std::string site = GetText(npz, "mambascope.site");
  for (const auto& [known, module] : kModules) {
    if (SiteName(known) != site || !npz.Has(kLayer)) continue;
    const int64_t layer = GetInteger(npz, kLayer, file);
    if (layer < 0 || layer > INT32_MAX)
      throw Error(fmt::format("{}: '{}' is {}, which is no layer", file.string(), kLayer, layer));
    stored.place = Place{known, static_cast<int>(layer)};
  }
  return stored;
}

Moments ReadMoments(const fs::path& path, const Place& place, int64_t width,
                    const std::string& fingerprint) {
  return ReadStoredMoments(path, place, width, {fingerprint}).moments;
}

StoredMoments ReadStoredMoments(const fs::path& path, const Place& place, int64_t width,
                                const std::set<std::string>& fingerprints) try {
  if (!fs::exists(path)) throw Error(fmt::format("{}: no such file or folder", path.string()));
  const fs::path file = fs::is_directory(path) ? FindMoments(path, place) : path;
  StoredMoments stored = ReadMomentsFile(file, width);
  if (stored.place && stored.place != place)
    throw Error(fmt::format("{}: these are the second moments of {}, but those of {} are needed",
                            file.string(), PlaceName(*stored.place), PlaceName(place)));
  if (!stored.model.empty() && !fingerprints.contains(stored.model))
    throw Error(fmt::format("{}: these second moments are of another model", file.string()),
                "make those of this model with `mambascope moments`");
  if (!stored.shard.empty())
    throw Error(
        fmt::format("{}: these second moments are only shard {}", file.string(), stored.shard),
        "join the shards with `mambascope merge`");
  return stored;
} catch (const fs::filesystem_error& e) {
  throw Error(fmt::format("{}: cannot be read: {}", e.path1().string(), e.code().message()));
}

}  // namespace mambascope
