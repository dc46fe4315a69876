#include "mambascope/cli/common.h"

#include <ATen/Context.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <thread>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/error.h"
#include "mambascope/intervene/sweep.h"
#include "mambascope/model/threads.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// What is bundled lies beside the build folder of a checkout, or in share/ of an installation.
fs::path Bundled(const std::string& name) {
  const fs::path bin = fs::read_symlink("/proc/self/exe").parent_path();
  for (const fs::path& path : {bin / ".." / name, bin / "../share/mambascope" / name}) {
    if (fs::exists(path)) return fs::canonical(path);
  }
  throw Error(fmt::format("the bundled '{}' is not beside this program", name), "run it from the checkout that built it, or name your own");
}

// "7" or "0-15": the first and the last. None for anything else.
std::optional<std::pair<int, int>> ParseRange(std::string_view text) {
  std::array<int, 2> ends = {};
  const size_t dash = text.find('-');
  for (size_t i = 0; i < 2; ++i) {
    const std::string_view part = dash == text.npos ? text : i == 0 ? text.substr(0, dash) : text.substr(dash + 1);
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), ends[i]);
    if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
  }
  return std::pair(ends[0], ends[1]);
}

// Of the tokenizer.json in use; null for a tokenizer in other files.
Json TokenizerFingerprint(const CommonOptions& o) {
  const fs::path path = o.tokenizer.empty() ? ModelFolder(o.model) : fs::path(o.tokenizer);
  const fs::path file = fs::is_directory(path) ? path / "tokenizer.json" : path;
  return fs::exists(file) ? Json(FingerprintText(ReadFile(file))) : Json();
}

// Of the `count` things that a model has, a `what` each.
std::vector<int> ParseIndices(const std::string& what, const std::string& text, int count) {
  std::set<int> chosen;
  for (const std::string& part : CLI::detail::split(text == "all" ? fmt::format("0-{}", count - 1) : text, ',')) {
    const auto range = ParseRange(part);
    if (!range || text.ends_with(',') || range->first < 0 || range->first > range->second || range->second >= count)
      throw Error(fmt::format("--{0} {1}: no {0} of this model, which has 0-{2}", what, text, count - 1), "as 3, 0-15, 2,4,6 or all");
    for (int i = range->first; i <= range->second; ++i) chosen.insert(i);
  }
  return {chosen.begin(), chosen.end()};
}

}  // namespace

void AddCommonOptions(CLI::App& command, CommonOptions& o) {
  if (command.get_option_no_throw("--model") == nullptr)  // a command may take several
    command.add_option("--model", o.model, "checkpoint folder, or demo, demo-mamba2, demo-neox")->capture_default_str();
  command.add_option("--tokenizer", o.tokenizer, "tokenizer.json, for a folder that lacks one");
  command.add_option("--device", o.device)->check(CLI::IsMember({"cpu", "cuda"}))->capture_default_str();
  command.add_option("--dtype", o.dtype, "of the weights")->check(CLI::IsMember({"float32", "bfloat16"}))->capture_default_str();
  command.add_option("--threads", o.threads, "0: one per core")->check(CLI::Range(0, 1'000'000))->capture_default_str();
  command.add_option("--seed", o.seed)->check(WholeNumberFrom(0))->capture_default_str();
  command.add_flag("--quiet", o.quiet, "print nothing but errors");
  command.add_flag("--json", o.json, "print one JSON document on stdout");
  command.add_flag("--check", o.check, "compute some of a sweep's cells again by whole passes, and print the largest difference");
  command.add_flag("--explain", o.explain, "print a sweep's plan: what is computed, of how much");
}

fs::path BundledText() { return Bundled("data/demo/sentences.jsonl"); }

std::vector<int> ParseLayers(const std::string& text, int layers) { return ParseIndices("layers", text, layers); }

std::vector<int> ParseHeads(const std::string& text, int heads) { return ParseIndices("heads", text, heads); }

std::vector<std::string> ParseProjections(const std::vector<std::string>& names, const Model& model) {
  const std::vector<std::string> all = model.projections();
  if (names == std::vector<std::string>{"all"}) return all;
  std::vector<std::string> chosen;
  for (const std::string& name : names) {
    if (std::find(all.begin(), all.end(), name) == all.end())
      throw Error(fmt::format("--projections: this model has no '{}'", name), fmt::format("it has {}; or all", fmt::join(all, ", ")));
    if (std::find(chosen.begin(), chosen.end(), name) == chosen.end()) chosen.push_back(name);
  }
  return chosen;
}

std::vector<int> ParseEditLayers(const std::string& text, const std::string& projection, const Model& model) {
  if (text == "all") return model.LayersWith(projection);
  const std::vector<int> layers = ParseLayers(text, model.layers());
  for (const int layer : layers) (void)model.editable(layer, projection);  // throws the Error
  return layers;
}

fs::path ModelFolder(const std::string& name) {
  if (name == "demo" || name == "demo-mamba") return Bundled("models/demo-mamba");
  if (name == "demo-mamba2" || name == "demo-neox") return Bundled("models/" + name);
  std::error_code error;
  if (!fs::is_directory(name, error))
    throw Error(name + ": no such folder", "--model takes a checkpoint folder, or demo (Mamba-1), demo-mamba2 or demo-neox");
  return name;
}

Model LoadModel(const CommonOptions& o) {
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (o.threads > cores) throw Error(fmt::format("--threads {}: this machine has {} cores", o.threads, cores));
  SetThreads(o.threads);
  KeepFreedMemory();
  if (o.device == "cuda" && !at::hasCUDA()) throw Error("--device cuda: this build, or this machine, has no CUDA", "use --device cpu");
  return Model::Load(ModelFolder(o.model), {.dtype = o.dtype == "bfloat16" ? at::kBFloat16 : at::kFloat, .device = at::Device(o.device)});
}

CLI::Validator NumberIn(double low, double high) {
  const auto check = [low, high](const std::string& text) {
    double number = 0;
    const bool is_in = CLI::detail::lexical_cast(text, number) && number >= low && number <= high;
    return is_in ? std::string() : fmt::format("{} is no number from {} to {}", text, low, high);
  };
  return CLI::Validator(check, fmt::format("FLOAT from {} to {}", low, high));
}

CLI::Validator WholeNumberFrom(uint64_t low) {
  const auto check = [low](const std::string& text) {
    uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    const bool is_in = error == std::errc() && rest == end && number >= low && number < uint64_t{1} << 62;
    return is_in ? std::string() : fmt::format("{} is no whole number from {}", text, low);
  };
  return CLI::Validator(check, fmt::format("INT from {}", low));
}

void AddMemoryOption(CLI::App& command, std::optional<uint64_t>& memory, const std::string& what) {
  command
      .add_option("--memory", memory,
                  fmt::format("that {} may take beside the weights, as 4G; without it, a quarter of the machine's, or 4G of a GPU's", what))
      ->transform(CLI::AsSizeValue(false))
      ->check(WholeNumberFrom(1));
}

int64_t MemoryOf(const std::optional<uint64_t>& memory, const Model& model) {
  return memory ? static_cast<int64_t>(*memory) : CommandMemory(model.device());
}

std::optional<Tokenizer> LoadTokenizer(const CommonOptions& o) {
  if (!o.tokenizer.empty()) return Tokenizer::Load(o.tokenizer);
  const fs::path folder = ModelFolder(o.model);
  if (!Tokenizer::Exists(folder)) return std::nullopt;
  return Tokenizer::Load(folder);
}

Tokenizer RequireTokenizer(const CommonOptions& o) {
  std::optional<Tokenizer> tokenizer = LoadTokenizer(o);
  if (!tokenizer) throw Error(fmt::format("{}: holds no tokenizer.json", o.model), "give one with --tokenizer FILE");
  return std::move(*tokenizer);
}

Json EchoOptions(const std::string& command, const CommonOptions& o, const Json& more) {
  Json options = {{"command", command},
                  {"model", ReplaceInvalidUtf8(o.model)},
                  {"fingerprint", Fingerprint(ModelFolder(o.model))},
                  {"tokenizer", o.tokenizer.empty() ? Json() : Json(ReplaceInvalidUtf8(o.tokenizer))},
                  {"tokenizer_fingerprint", TokenizerFingerprint(o)},
                  {"device", o.device},
                  {"dtype", o.dtype},
                  {"seed", o.seed},
                  {"version", kVersion},
                  {"commit", kGitCommit}};
  options.update(more);
  return options;
}

void Print(const CommonOptions& o, const Json& document, const std::string& text) {
  if (o.json) fmt::print("{}\n", DumpJson(document));
  else if (!o.quiet) fmt::print("{}", text);
}

void AddPromptOptions(CLI::App& command, PromptOptions& o) {
  o.prompt_option = command.add_option("--prompt", o.prompt, "text");
  command.add_option("--ids", o.ids, "token ids in place of text, as 5,17,3")
      ->delimiter(',')
      ->check(CLI::TypeValidator<int64_t>("INT"))
      ->excludes(o.prompt_option);
}

std::vector<int64_t> PromptIds(const PromptOptions& o, const std::optional<Tokenizer>& tokenizer) {
  std::vector<int64_t> ids = o.ids;
  if (ids.empty()) {
    if (o.prompt_option->count() == 0) throw Error("no prompt", "give one with --prompt TEXT or --ids 5,17,3");
    if (!tokenizer) throw Error("the model's folder holds no tokenizer.json", "give one with --tokenizer FILE, or token ids with --ids");
    for (const Token& token : tokenizer->Encode(o.prompt)) ids.push_back(token.id);
  }
  if (ids.empty()) throw Error("the prompt is empty", "it needs at least one token");
  return ids;
}

Json TokenText(const std::optional<Tokenizer>& tokenizer, int64_t id) {
  const std::optional<std::string> text = tokenizer ? tokenizer->DecodeToken(id) : std::nullopt;
  return text ? Json(*text) : Json();
}

}  // namespace mambascope
