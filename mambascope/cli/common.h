// What every command shares: its options, the model they name, and how results reach the user.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/model/model.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

extern const char* const kVersion;    // "0.1.0"
extern const char* const kGitCommit;  // of the sources; "+" at the end: with changes

struct CommonOptions {
  std::string model = "demo";
  std::string tokenizer;  // empty: the model folder's own
  std::string device = "cpu";
  std::string dtype = "float32";
  int threads = 0;
  uint64_t seed = 0;
  bool quiet = false;
  bool json = false;
  bool check = false;
  bool explain = false;
};

void AddCommonOptions(CLI::App& command, CommonOptions& options);

// The folder that --model means: one of the bundled models, or the path itself.
std::filesystem::path ModelFolder(const std::string& name);

// The text that is bundled for statistics.
std::filesystem::path BundledText();

// A number from `low` to `high`; CLI::Range lets nan through.
CLI::Validator NumberIn(double low, double high);
// A whole number from `low` on, of 62 bits.
CLI::Validator WholeNumberFrom(uint64_t low);

// The layers that `text` names, ascending, each once: "3", "0-15", "2,4,6" (and ranges among them), "all". Throws Error, which names the
// model's layers, for anything else.
std::vector<int> ParseLayers(const std::string& text, int layers);
// The same of attention heads.
std::vector<int> ParseHeads(const std::string& text, int heads);

// The projections of these names, each once, or "all" that some layer has. Throws Error, which lists the model's, for another name.
std::vector<std::string> ParseProjections(const std::vector<std::string>& names, const Model& model);
// The layers that `text` names, for edits of `projection`. Of "all", those that have it. Throws Error for a layer that lacks it.
std::vector<int> ParseEditLayers(const std::string& text, const std::string& projection, const Model& model);

// --memory: bytes that `what` may take beside the weights.
void AddMemoryOption(CLI::App& command, std::optional<uint64_t>& memory, const std::string& what);
// What it says; without it a quarter of the machine's memory, or 4 GiB of a GPU's, which nothing here can ask for.
int64_t MemoryOf(const std::optional<uint64_t>& memory, const Model& model);

// Sets the threads, and loads.
Model LoadModel(const CommonOptions& options);

// None where the folder holds no tokenizer and --tokenizer is not given.
std::optional<Tokenizer> LoadTokenizer(const CommonOptions& options);

// The same, where there must be one.
Tokenizer RequireTokenizer(const CommonOptions& options);

// What a result file says about what made it: these options, the command's own (`more`), version and commit.
Json EchoOptions(const std::string& command, const CommonOptions& options, const Json& more);

// Prints `document` on stdout where --json asks for it, else `text`, unless --quiet.
void Print(const CommonOptions& options, const Json& document, const std::string& text);

// --prompt TEXT or --ids 5,17,3: exactly one.
struct PromptOptions {
  std::string prompt;
  std::vector<int64_t> ids;
  CLI::Option* prompt_option = nullptr;
};
void AddPromptOptions(CLI::App& command, PromptOptions& options);
std::vector<int64_t> PromptIds(const PromptOptions& options, const std::optional<Tokenizer>& tokenizer);

// The text of one token, or null without a tokenizer.
Json TokenText(const std::optional<Tokenizer>& tokenizer, int64_t id);

}  // namespace mambascope
