#include "mambascope/cli/common.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <thread>

#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/host.h"
#include "mambascope/cli/launcher.h"
#include "mambascope/cli/terminal.h"
#include "mambascope/error.h"
#include "mambascope/figures/label.h"
#include "mambascope/intervene/sweep.h"
#include "mambascope/model/kernels/batch_sizes.h"
#include "mambascope/model/ops.h"
#include "mambascope/model/threads.h"
#include "mambascope/plural.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// "7" or "0-15": the first and the last. TransformerLens's "blocks.7.hook_resid_post" is layer 7.
// None for anything else.
std::optional<std::pair<int, int>> ParseRange(std::string_view text) {
  constexpr std::string_view kBlocks = "blocks.";
  if (text.starts_with(kBlocks)) {
    text.remove_prefix(kBlocks.size());
    text = text.substr(0, text.find('.'));
  }
  std::array<int, 2> ends = {};
  const size_t dash = text.find('-');
  for (size_t i = 0; i < 2; ++i) {
    const std::string_view part = dash == text.npos ? text
                                  : i == 0          ? text.substr(0, dash)
                                                    : text.substr(dash + 1);
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), ends[i]);
    if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
  }
  return std::pair(ends[0], ends[1]);
}

// Of the `count` things that a model has, a `what` each.
std::vector<int> ParseIndices(const std::string& what, const std::string& text, int count) {
  std::set<int> chosen;
  for (const std::string& part :
       SplitAt(text == "all" ? fmt::format("0-{}", count - 1) : text, ',')) {
    const auto range = ParseRange(part);
    if (!range || text.ends_with(',') || range->first < 0 || range->first > range->second ||
        range->second >= count)
      throw Error(fmt::format("--{0} {1}: this model has {0} 0 to {2}", what, text, count - 1),
                  "write them as 3, 0-15, 2,4,6 or all");
    for (int i = range->first; i <= range->second; ++i) chosen.insert(i);
  }
  return {chosen.begin(), chosen.end()};
}

const KeptModel* KeptBy(const Host* host) { return host == nullptr ? nullptr : host->Kept(); }

}  // namespace

ProgressTo CommonArguments::progress() const {
  if (host == nullptr) return {.quiet = quiet};
  return {.listener = [host = host](const ProgressState& state) { host->HearProgress(state); }};
}

double CommonArguments::AllowedDifference() const {
  return dtype == "float32" ? 1e-4 : dtype == "tf32" ? 1e-2 : 5e-2;
}

void VisitModelOption(CommonArguments& a, OptionVisitor& option) {
  option.Topic("Model");
  option(&a.model, {.names = "--model",
                    .help = "Checkpoint folder, or a bundled model: demo, demo-mamba2, demo-hybrid "
                            "or demo-neox",
                    .decides = Decides::kSelection});
}

void VisitCompatOption(CommonArguments& a, OptionVisitor& option) {
  option.Topic("Model");
  option(&a.compat,
         {.names = "--compat",
          .help = "How two kinds of models are computed. none: as their authors compute them. "
                  "transformers: as version 5.17 does. The norm before W_o of a Mamba-2 then takes "
                  "one RMS over all components, even if config.json gives it several groups. "
                  "Gemma 2's attention does not cap its scores",
          .bounds = OneOf{{"none", "transformers"}}});
}

void VisitCommonOptions(CommonArguments& a, OptionVisitor& option) {
  option.Topic("Model");
  option(&a.tokenizer, {.names = "--tokenizer",
                        .help = "A tokenizer.json to use instead of the folder's own",
                        .otherwise = "the folder's own",
                        .decides = Decides::kSelection});
  option(&a.device, {.names = "--device",
                     .help = "Device that runs the model",
                     .bounds = OneOf{{"cpu", "cuda"}}});
  option(&a.dtype,
         {.names = "--precision,--dtype",
          .help = "Precision of matrix products. tf32: a GPU rounds their inputs to 19 bits; "
                  "a CPU refuses it. bfloat16: weight matrices and their inputs have 16 bits. "
                  "Other products, such as that of the logits, are then in tf32 on a GPU, and in "
                  "float32 on a CPU. "
                  "docs/build.md shows how far results differ",
          .bounds = OneOf{{"float32", "tf32", "bfloat16"}}});
  option.Topic("Run");
  option(&a.threads, {.names = "--threads",
                      .help = "Number of CPU threads; 0 takes one per core",
                      .bounds = Integers{0, 1'000'000},
                      .decides = Decides::kConduct});
  option(&a.seed, {.names = "--seed",
                   .help = "Seed of every random choice",
                   .otherwise = "0",
                   .bounds = IntegersFrom{0}});
  option(&a.quiet, {.names = "--quiet",
                    .help = "Print no results as text, no warnings and no progress",
                    .decides = Decides::kConduct});
  option(&a.json, {.names = "--json",
                   .help = "Print one JSON document on stdout",
                   .decides = Decides::kConduct});
  option(&a.check, {.names = "--check",
                    .help = "Compute some cells again, each by a full forward pass, and print the "
                            "largest difference",
                    .decides = Decides::kConduct});
  option(&a.explain,
         {.names = "--explain",
          .help = "Print the plan of the work: what is computed, compared with full forward passes",
          .decides = Decides::kConduct});
}

void VisitDevicesOption(CommonArguments& a, OptionVisitor& option) {
  option.Topic("Run");
  option(&a.devices,
         {.names = "--devices",
          .help = "GPUs that share the facts: all, or numbers as 0,1. Each has a copy of the "
                  "model. Implies --device cuda",
          .otherwise = "the device of --device",
          .bounds = NotEmpty(),
          .decides = Decides::kConduct});
}

void VisitShardOption(CommonArguments& a, OptionVisitor& option) {
  option.Topic("Shards");
  option(&a.shard_text,
         {.names = "--shard",
          .help = "Compute one shard of the run. 2/4 is the second of four. Its results go to "
                  "OUT/shard-2-of-4, and `mambascope merge` joins all shards. With auto, Slurm, "
                  "mpirun or torchrun decides",
          .otherwise = "the whole run",
          .bounds = NotEmpty(),
          .decides = Decides::kConduct});
}

std::optional<Shard> AskedShard(const CommonArguments& a) {
  if (a.shard_text.empty()) return std::nullopt;
  if (a.shard_text == "auto") return ShardOfEnvironment(ReadEnvironment);
  const std::optional<Shard> shard = ReadShard(a.shard_text);
  if (!shard)
    throw UsageError(
        fmt::format("--shard {}: expected i/n with i from 1 to n, such as 2/4 for the second of 4 "
                    "shards, or auto",
                    a.shard_text));
  return shard;
}

std::vector<std::pair<std::string, std::string>> ModelOptionsOf(const CommonArguments& o) {
  const CommonArguments defaults;
  std::vector<std::pair<std::string, std::string>> options = {{"--model", o.model}};
  const auto add = [&](const char* name, const std::string& value, const std::string& otherwise) {
    if (value != otherwise) options.emplace_back(name, value);
  };
  add("--tokenizer", o.tokenizer, defaults.tokenizer);
  add("--device", o.device, defaults.device);
  add("--precision", o.dtype, defaults.dtype);
  add("--compat", o.compat, defaults.compat);
  return options;
}

std::vector<std::string> SplitAt(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  if (text.empty() || text.back() == separator) parts.emplace_back();
  return parts;
}

std::vector<int> ParseLayers(const std::string& text, int layers) {
  return ParseIndices("layers", text, layers);
}

std::vector<int> ParseHeads(const std::string& text, int heads) {
  return ParseIndices("heads", text, heads);
}

std::vector<std::string> ParseProjections(const std::vector<std::string>& names,
                                          const Model& model) {
  const std::vector<std::string> all = model.projections();
  if (names == std::vector<std::string>{"all"}) return all;
  std::vector<std::string> chosen;
  for (const std::string& name : names) {
    if (std::find(all.begin(), all.end(), name) == all.end())
      throw Error(fmt::format("--projections: this model has no '{}'", name),
                  fmt::format("it has {}; all takes every one", fmt::join(all, ", ")));
    if (std::find(chosen.begin(), chosen.end(), name) == chosen.end()) chosen.push_back(name);
  }
  return chosen;
}

std::vector<EditPlace> ParseEditPlaces(const std::string& layers,
                                       const std::vector<std::string>& projections,
                                       const Model& model) {
  const bool is_named = layers != "all" && projections != std::vector<std::string>{"all"};
  std::vector<EditPlace> places;
  for (const std::string& name : ParseProjections(projections, model)) {
    const std::vector<int> with = model.LayersWith(name);
    for (const int layer : ParseLayers(layers, model.layers())) {
      if (std::find(with.begin(), with.end(), layer) != with.end()) places.push_back({layer, name});
      else if (is_named) (void)model.editable(layer, name);  // throws the Error
    }
  }
  if (places.empty())
    throw Error(fmt::format("none of the layers {} has a projection that can be edited", layers));
  return places;
}

std::vector<Model> LoadModelOnDevices(const CommonArguments& o, const Tokenizer* tokenizer) {
  if (const KeptModel* kept = KeptBy(o.host)) return {kept->model};
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (o.threads > cores)
    throw Error(fmt::format("--threads {}: this machine has {} cores", o.threads, cores));
  SetThreads(o.threads);
  KeepFreedMemory();
  const std::vector<at::Device> devices = FindDevices(o.Devices());
  if (o.dtype == "tf32" && devices[0].is_cpu())
    throw Error("--precision tf32: a CPU has no such products", "use it with --device cuda");
  const Progress progress({.what = "loading " + o.model}, o.progress());
  std::map<std::string, std::shared_future<Model>> loading;  // by device
  for (const at::Device& device : devices) {
    ModelOptions options{.dtype = o.Dtype(), .device = device};
    if (o.compat == "transformers") options.reading = ModelOptions::Reading::kTransformers;
    const auto load = [options, folder = ModelFolder(o.model)] {
      return Model::Load(folder, options);
    };
    if (std::shared_future<Model>& one = loading[device.str()]; !one.valid())
      one = std::async(devices.size() > 1 ? std::launch::async : std::launch::deferred, load);
  }
  std::vector<Model> models;
  for (const at::Device& device : devices) models.push_back(loading[device.str()].get());
  for (const std::string& warning : models[0].warnings())
    Warn(o, fmt::format("{}: {}", o.model, warning));
  if (tokenizer != nullptr) WarnOfTokenizer(o, models[0], *tokenizer);
  return models;
}

Model LoadModel(const CommonArguments& o, const Tokenizer* tokenizer) {
  return LoadModelOnDevices(o, tokenizer)[0];
}

void VisitMemoryOption(std::optional<uint64_t>& memory, const std::string& what,
                       OptionVisitor& option) {
  option(&memory,
         {.names = "--memory",
          .help = fmt::format("Maximum memory that {} may use beside the weights, as 4G", what),
          .otherwise = "a quarter of the machine's memory; 80 % of what is free on a GPU",
          .bounds = ByteSize(),
          .decides = Decides::kConduct});
}

int64_t MemoryLimit(const std::optional<uint64_t>& memory, const Model& model) {
  return memory ? static_cast<int64_t>(*memory) : CommandMemory(model.device());
}

std::string ModelFingerprint(const CommonArguments& o) {
  if (const KeptModel* kept = KeptBy(o.host)) return kept->fingerprint;
  Progress progress({.what = "reading " + o.model, .unit = "MB"}, o.progress());
  FingerprintOptions options{.progress = [&](uint64_t done, uint64_t total) {
    progress(static_cast<double>(done >> 20), static_cast<int64_t>(total >> 20),
             static_cast<int64_t>(done >> 20));
  }};
  if (const auto cache = UserCache()) options.cache = *cache / "fingerprints.json";
  return Fingerprint(ModelFolder(o.model), options);
}

void RequireSameCheckpoint(const CommonArguments& o, const std::string& file,
                           const std::string& what, const std::string& made_for) {
  if (const std::string model = ModelFingerprint(o); made_for != model)
    throw Error(fmt::format("{} is {} of another checkpoint: it was made for {}, and {} is {}",
                            file, what, made_for, ModelFolder(o.model).string(), model),
                "give the --model that it was made with");
}

StoredEdits ReadEditsOf(const CommonArguments& o, const std::string& file) {
  StoredEdits stored = o.host != nullptr ? o.host->Edits(file) : ReadEdits(file);
  RequireSameCheckpoint(o, file, "an edit", stored.model);
  return stored;
}

std::optional<Tokenizer> LoadTokenizer(const CommonArguments& o) {
  if (const KeptModel* kept = KeptBy(o.host)) return kept->tokenizer;
  if (!o.tokenizer.empty()) return Tokenizer::Load(o.tokenizer);
  const fs::path folder = ModelFolder(o.model);
  if (!Tokenizer::Exists(folder)) return std::nullopt;
  return Tokenizer::Load(folder);
}

std::optional<Tokenizer> LoadTokenizer(const CommonArguments& o, const PromptArguments& prompt) {
  return prompt.ids.empty() ? LoadTokenizer(o) : TryTokenizer(o);
}

std::optional<Tokenizer> TryTokenizer(const CommonArguments& o) {
  if (!o.tokenizer.empty()) return LoadTokenizer(o);
  (void)ModelFolder(o.model);  // throws where there is no folder
  try {
    return LoadTokenizer(o);
  } catch (const Error& e) {
    Warn(o, fmt::format("tokens are shown without their texts: {}", e.what()));
    return std::nullopt;
  }
}

Tokenizer RequireTokenizer(const CommonArguments& o) {
  std::optional<Tokenizer> tokenizer = LoadTokenizer(o);
  if (!tokenizer)
    throw Error(fmt::format("{}: holds no tokenizer.json", o.model),
                "give one with --tokenizer FILE");
  return std::move(*tokenizer);
}

void Warn(const CommonArguments& o, const std::string& sentence) {
  if (o.host != nullptr) o.host->HearWarning(sentence);
  else if (!o.quiet) PrintLine(fmt::format("warning: {}\n", sentence));
}

void Note(const CommonArguments& o, const std::string& sentence) {
  if (o.host != nullptr) o.host->HearWarning(sentence);
  else if (!o.quiet && !o.json) PrintLine(fmt::format("note: {}\n", sentence));
}

void WarnOfFaults(const CommonArguments& o, const ReadFaults& faults) {
  constexpr size_t kShown = 5;
  const auto warn = [&](const std::string& what, const std::vector<std::string>& sentences) {
    if (sentences.empty()) return;
    std::string text = fmt::format("{}:", what);
    for (size_t i = 0; i < std::min(kShown, sentences.size()); ++i) text += "\n  " + sentences[i];
    if (sentences.size() > kShown)
      text += fmt::format("\n  and {} more", sentences.size() - kShown);
    Warn(o, text);
  };
  warn(fmt::format("left out {} of {}", faults.left_out.size(), Count(faults.records, "record")),
       faults.left_out);
  warn(fmt::format("ignored {}", Count(faults.ignored.size(), "bad field")), faults.ignored);
}

void WarnOfPrompt(const CommonArguments& common, const std::string& prompt) {
  if (prompt.empty() || std::string_view(" \t\n").find(prompt.back()) == std::string_view::npos)
    return;
  Warn(common,
       fmt::format("the prompt '{}' ends with white space. Models expect a space at the beginning "
                   "of the next token, so this changes the answer",
                   VisibleText(Shortened(prompt))));
}

void WarnOfLength(const CommonArguments& common, const Model& model, int64_t tokens) {
  const int64_t trained = model.config().trained_tokens;
  if (trained == 0 || tokens <= trained) return;
  Warn(common,
       fmt::format("a prompt of {} is longer than the texts of {} tokens that the model was "
                   "made for. Beyond them its numbers may be wrong",
                   Count(tokens, "token"), trained));
}

void WarnOfTokenizer(const CommonArguments& common, const Model& model,
                     const Tokenizer& tokenizer) {
  const int64_t tokens = tokenizer.vocab_size(), vocab = model.config().vocab;
  if (tokens <= vocab && 10 * tokens >= 9 * vocab) return;
  Warn(common, fmt::format("the tokenizer has {}, and the model's vocabulary has {}: the tokenizer "
                           "may be another model's",
                           Count(tokens, "token"), vocab));
}

void CheckTokenizer(const Model& model, const Tokenizer& tokenizer) {
  const int64_t vocab = model.config().vocab;
  for (int64_t id = vocab; id < tokenizer.vocab_size(); ++id) {
    if (!tokenizer.IsSpecial(id))
      throw Error(fmt::format("the tokenizer's token {} is outside the model's vocabulary of {}",
                              id, vocab),
                  "give the model's own tokenizer");
  }
}

void Print(const CommonArguments& o, const Json& document, const std::string& text) {
  if (o.host != nullptr) o.host->Take({.json = document, .text = text});
  else if (o.json) PrintJson(document);
  else if (!o.quiet) PrintText(text);
}

std::function<void(const JobProgress&)> ShowProgress(const CommonArguments& o,
                                                     const std::string& what,
                                                     const std::string& unit,
                                                     const std::string& shorter) {
  using Clock = std::chrono::steady_clock;
  return [line = std::shared_ptr<Progress>(), what, unit, shorter, o, start = Clock::time_point(),
          noted = false, to = o.progress()](const JobProgress& progress) mutable {
    if (!line) {
      start = Clock::now();
      line = std::make_shared<Progress>(ProgressState{.what = what,
                                                      .unit = unit,
                                                      .begun_with = progress.begun_with,
                                                      .total = progress.total},
                                        to);
    }
    (*line)(progress.done, progress.total, progress.units);
    line->Stage(progress.stage);
    if (noted || o.host != nullptr) return;
    const auto note =
        LongWorkNote({.what = what,
                      .unit = unit,
                      .begun_with = progress.begun_with,
                      .done = progress.done,
                      .total = progress.total,
                      .units = progress.units},
                     std::chrono::duration<double>(Clock::now() - start).count(), shorter);
    if (note) Note(o, fmt::format("{}: {}", what, *note));
    noted = note.has_value();
  };
}

void VisitPromptOptions(PromptArguments& a, OptionVisitor& option) {
  option.Topic("Prompt");
  option(&a.prompt, {.names = "--prompt", .help = "Text of the prompt"});
  option(&a.ids, {.names = "--ids",
                  .help = "Token ids of the prompt instead of its text, as 5,17,3",
                  .otherwise = "those of --prompt",
                  .list = List::kCommas,
                  .excludes = {"--prompt"}});
}

std::vector<Token> PromptTokens(const CommonArguments& common, const PromptArguments& o,
                                const std::optional<Tokenizer>& tokenizer) {
  std::vector<Token> tokens;
  for (const int64_t id : o.ids) tokens.push_back({.id = id, .text = {}, .chars = {}});
  if (tokens.empty()) {
    if (!o.prompt) throw Error("no prompt", "give one with --prompt TEXT or --ids 5,17,3");
    if (!tokenizer)
      throw Error("the model's folder holds no tokenizer.json",
                  "give one with --tokenizer FILE, or token ids with --ids");
    WarnOfPrompt(common, *o.prompt);
    tokens = tokenizer->Encode(*o.prompt);
  }
  if (tokens.empty()) throw Error("the prompt is empty", "it needs at least one token");
  return tokens;
}

std::vector<int64_t> PromptIds(const CommonArguments& common, const PromptArguments& o,
                               const std::optional<Tokenizer>& tokenizer) {
  return TokenIds(PromptTokens(common, o, tokenizer));
}

Json TokenText(const std::optional<Tokenizer>& tokenizer, int64_t id) {
  const std::optional<std::string> text = tokenizer ? tokenizer->DecodeToken(id) : std::nullopt;
  return text ? Json(*text) : Json();
}

std::string ShownToken(const Json& text) {
  return text.is_string() ? VisibleText(text.get<std::string>()) : "";
}

Json TopTokens(const at::Tensor& p, int64_t top, const std::optional<Tokenizer>& tokenizer) {
  RequireFinite(p, "a probability");
  const auto [values, ids] = p.topk(std::min(top, p.size(0)));
  Json list = Json::array();
  for (int64_t i = 0; i < ids.size(0); ++i) {
    const auto id = ids[i].item<int64_t>();
    list.push_back(
        {{"id", id}, {"text", TokenText(tokenizer, id)}, {"prob", values[i].item<double>()}});
  }
  return list;
}

}  // namespace mambascope
