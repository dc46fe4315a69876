#include "mambascope/cli/bundled.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <regex>

#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/checkpoint/refusals.h"
#include "mambascope/cli/launcher.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// Folders of the bundled models. "demo" is the first of them.
constexpr std::array kBundledModels = {"demo-mamba", "demo-mamba2", "demo-hybrid", "demo-neox"};

// The file that this code is in: the program, or Python's extension module.
fs::path OwnFile() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&FindBundled), &info) != 0) {
    if (const fs::path file = info.dli_fname; file.extension() == ".so") return file;
  }
  return fs::read_symlink("/proc/self/exe");
}

// Places of a bundled file: beside the build folder of a checkout, or in share/mambascope of an
// installation or of the Python package.
std::array<fs::path, 3> BundledPlaces(const std::string& name) {
  const fs::path folder = OwnFile().parent_path();
  return {(folder / ".." / name).lexically_normal(),
          (folder / "../share/mambascope" / name).lexically_normal(),
          folder / "share/mambascope" / name};
}

fs::path Bundled(const std::string& name) {
  if (const std::optional<fs::path> found = FindBundled(name)) return *found;
  const std::array places = BundledPlaces(name);
  throw Error(fmt::format("the bundled '{}' is missing: it is not in {}, and not in {}", name,
                          places[0].string(), places[1].string()),
              "run the program in the checkout that built it, install it with `cmake --install`, "
              "or name a folder of your own");
}

[[noreturn]] void RefuseFolder(const std::string& name) {
  static const std::regex kRepository("[\\w.-]+/[\\w.-]+");
  constexpr size_t kLongest = 200;  // std::regex overflows the stack on very long texts
  if (name.size() <= kLongest && std::regex_match(name, kRepository) &&
      !fs::exists(fs::path(name).parent_path())) {
    const std::string folder = fs::path(name).filename().string();
    throw Error(name + ": no such folder; it looks like a name on the Hugging Face Hub",
                fmt::format("download it: pip install huggingface_hub, then hf download {0} "
                            "--local-dir {1}, then --model {1}",
                            name, folder));
  }
  throw Error(name + ": no such folder",
              "--model takes a checkpoint folder, or demo (Mamba-1), demo-mamba2, demo-hybrid or "
              "demo-neox");
}

}  // namespace

std::optional<fs::path> FindBundled(const std::string& name) {
  for (const fs::path& place : BundledPlaces(name)) {
    if (fs::exists(place)) return fs::canonical(place);
  }
  return std::nullopt;
}

std::optional<fs::path> UserCache() {
  if (const auto cache = ReadEnvironment("XDG_CACHE_HOME")) return fs::path(*cache) / "mambascope";
  if (const auto home = ReadEnvironment("HOME")) return fs::path(*home) / ".cache/mambascope";
  return std::nullopt;
}

bool IsBundledModel(const std::string& fingerprint) {
  for (const char* name : kBundledModels) {
    const std::optional<fs::path> folder = FindBundled(fmt::format("models/{}", name));
    if (folder && Fingerprint(*folder) == fingerprint) return true;
  }
  return false;
}

fs::path ModelFolder(const std::string& name) {
  const std::string folder = name == "demo" ? kBundledModels.front() : name;
  if (std::find(kBundledModels.begin(), kBundledModels.end(), folder) != kBundledModels.end())
    return Bundled("models/" + folder);
  std::error_code error;
  if (!fs::is_directory(name, error)) RefuseFolder(name);
  RefuseOtherFolders(name);
  return name;
}

std::vector<fs::path> TextFiles(const std::vector<std::string>& given) {
  if (given.empty()) return {Bundled(kBundledText)};
  return {given.begin(), given.end()};
}

}  // namespace mambascope
