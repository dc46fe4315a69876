#include "mambascope/experiments/editing/moments_file.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "mambascope/checkpoint/npz.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSum = "mom2.mom2";
constexpr const char* kCount = "mom2.count";
constexpr const char* kDocuments = "sample_size";

// The modules whose input is the state at a site, as published files name them.
constexpr std::pair<Site, std::string_view> kModules[] = {{Site::kMixed, "mixer.out_proj"},
                                                          {Site::kMixerIn, "mixer.in_proj"},
                                                          {Site::kMlpMid, "mlp.c_proj"},
                                                          {Site::kMlpMid, "mlp.dense_4h_to_h"},
                                                          {Site::kMlpMid, "mlp.down_proj"}};

const at::Tensor* FindTensor(const Npz& npz, const char* key) {
  const auto found = npz.find(key);
  return found == npz.end() ? nullptr : std::get_if<at::Tensor>(&found->second);
}

const at::Tensor& GetTensor(const Npz& npz, const char* key, const fs::path& file) {
  const at::Tensor* tensor = FindTensor(npz, key);
  if (tensor == nullptr)
    throw Error(fmt::format("{}: lacks the array '{}'", file.string(), key),
                "give a file that `mambascope moments` or ROME wrote");
  return *tensor;
}

int64_t GetCount(const Npz& npz, const char* key, const fs::path& file) {
  const at::Tensor& tensor = GetTensor(npz, key, file);
  const int64_t count = tensor.numel() == 1 ? tensor.item().toLong() : 0;
  if (count < 1)
    throw Error(fmt::format("{}: '{}' is not a count of 1 or more", file.string(), key));
  return count;
}

std::string GetText(const Npz& npz, const char* key) {
  const auto found = npz.find(key);
  const auto* text = found == npz.end() ? nullptr : std::get_if<std::string>(&found->second);
  return text == nullptr ? "" : *text;
}

at::Tensor GetSum(const Npz& npz, int64_t width, const fs::path& file) {
  const at::Tensor sum = GetTensor(npz, kSum, file).to(at::kDouble);
  if (sum.dim() != 2 || sum.size(0) != sum.size(1))
    throw Error(fmt::format("{}: '{}' has the shape [{}], but must be square", file.string(), kSum,
                            fmt::join(sum.sizes(), ", ")));
  if (sum.size(0) != width)
    throw Error(
        fmt::format("{}: these second moments have width {}, but the model's keys have width {}",
                    file.string(), sum.size(0), width),
        "they are of another model or another projection");
  if (!at::isfinite(sum).all().item<bool>())
    throw Error(fmt::format("{}: '{}' holds numbers that are not finite", file.string(), kSum));
  return sum;
}

Convergence GetConvergence(const Npz& npz) {
  Convergence convergence;
  const at::Tensor *tokens = FindTensor(npz, "convergence.tokens"),
                   *change = FindTensor(npz, "convergence.change");
  if (tokens == nullptr || change == nullptr) return convergence;
  for (int64_t i = 0; i < std::min(tokens->numel(), change->numel()); ++i) {
    const double value = (*change)[i].item<double>();
    convergence.tokens.push_back((*tokens)[i].item<int64_t>());
    convergence.change.push_back(std::isfinite(value) ? std::optional(value) : std::nullopt);
  }
  if (const at::Tensor* solutions = FindTensor(npz, "convergence.solutions"))
    convergence.solutions = *solutions;
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
             {"mambascope.layer", scalar(stored.place->layer)},
             {"mambascope.model", stored.model},
             {"mambascope.text", stored.text},
             {"mambascope.made_by", stored.made_by}};
  PutConvergence(npz, stored.convergence);
  WriteNpz(file, npz);
}

StoredMoments ReadMomentsFile(const fs::path& file, int64_t width) {
  const Npz npz = ReadNpz(file);
  StoredMoments stored{
      .moments = {.sum = GetSum(npz, width, file), .count = GetCount(npz, kCount, file)},
      .documents = npz.contains(kDocuments) ? GetCount(npz, kDocuments, file) : 0,
      .model = GetText(npz, "mambascope.model"),
      .text = GetText(npz, "mambascope.text"),
      .made_by = GetText(npz, "mambascope.made_by"),
      .convergence = GetConvergence(npz)};
  const std::string site = GetText(npz, "mambascope.site");
  const at::Tensor* layer = FindTensor(npz, "mambascope.layer");
  for (const auto& [known, module] : kModules) {
    if (SiteName(known) == site && layer != nullptr && layer->numel() == 1)
      stored.place = Place{known, layer->item<int>()};
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
  return stored;
} catch (const fs::filesystem_error& e) {
  throw Error(fmt::format("{}: cannot be read: {}", e.path1().string(), e.code().message()));
}

}  // namespace mambascope
