#include "mambascope/cli/bundled.h"

#include <fmt/format.h>

#include <array>

#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// It lies beside the build folder of a checkout, or in share/mambascope of an installation.
fs::path Bundled(const std::string& name) {
  const fs::path folder = fs::read_symlink("/proc/self/exe").parent_path();
  const std::array places = {(folder / ".." / name).lexically_normal(),
                             (folder / "../share/mambascope" / name).lexically_normal()};
  for (const fs::path& place : places) {
    if (fs::exists(place)) return fs::canonical(place);
  }
  throw Error(fmt::format("the bundled '{}' is missing: it is neither {} nor {}", name,
                          places[0].string(), places[1].string()),
              "run the program in the checkout that built it, install it with `cmake --install`, "
              "or name a folder of your own");
}

}  // namespace

fs::path ModelFolder(const std::string& name) {
  if (name == "demo" || name == "demo-mamba") return Bundled("models/demo-mamba");
  if (name == "demo-mamba2" || name == "demo-neox") return Bundled("models/" + name);
  std::error_code error;
  if (!fs::is_directory(name, error))
    throw Error(name + ": no such folder",
                "--model takes a checkpoint folder, or demo (Mamba-1), demo-mamba2 or demo-neox");
  return name;
}

std::vector<fs::path> TextFiles(const std::vector<std::string>& given) {
  if (given.empty()) return {Bundled("data/demo/sentences.jsonl")};
  return {given.begin(), given.end()};
}

}  // namespace mambascope
