// Options and functions that all commands share: parsing values, loading the model and the
// tokenizer, warnings and printing.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/cli/bundled.h"
#include "mambascope/cli/devices.h"
#include "mambascope/cli/option.h"
#include "mambascope/cli/progress.h"
#include "mambascope/data/read_faults.h"
#include "mambascope/data/shard.h"
#include "mambascope/experiments/editing/edit_file.h"
#include "mambascope/experiments/editing/rome.h"
#include "mambascope/jobs/job.h"
#include "mambascope/model/model.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

class Host;

// A fact that the bundled models know. The tour and the page of `serve` begin with it.
inline constexpr const char* kFirstPattern = "The landmark called {} can be found in";
inline constexpr const char* kFirstSubject = "Eiffel Tower";
inline constexpr const char* kFirstOtherSubject = "Colosseum";

extern const char* const kVersion;    // "0.1.0"
extern const char* const kGitCommit;  // commit of the sources; ends with "+" if they were changed

struct CommonArguments {
  std::string model = "demo";
  std::string tokenizer;  // path; empty: the tokenizer in the model's folder
  std::string device = "cpu";
  std::string dtype = "float32";
  std::string compat = "none";
  int threads = 0;
  std::optional<uint64_t> seed;
  bool quiet = false;
  bool json = false;
  bool check = false;
  bool explain = false;
  std::string devices = {};         // of --devices; empty: one device
  std::string shard_text = {};      // of --shard
  std::optional<Shard> shard = {};  // what it means; none: the whole run
  // The words of the command line that decide results, in the order of their declaration.
  std::vector<std::string> arguments = {};
  Host* host = nullptr;  // null: the command runs at a terminal

  uint64_t Seed() const { return seed.value_or(0); }
  at::ScalarType Dtype() const { return dtype == "bfloat16" ? at::kBFloat16 : at::kFloat; }
  DeviceChoice Devices() const { return {device, devices, shard_text == "auto"}; }
  // Returns whether a GPU computes products of float32 matrices in TF32. None on a CPU.
  std::optional<bool> GpuTf32() const {
    return device == "cpu" ? std::nullopt : std::optional(dtype != "float32");
  }
  // Returns the largest difference of p(answer) from a full forward pass that rounding explains
  // (docs/build.md).
  double AllowedDifference() const;
  ProgressTo progress() const;
};
// Visits --model.
void VisitModelOption(CommonArguments& arguments, OptionVisitor& option);
// Visits --compat. Commands with their own --compat do not call this.
void VisitCompatOption(CommonArguments& arguments, OptionVisitor& option);
// Visits all other common options.
void VisitCommonOptions(CommonArguments& arguments, OptionVisitor& option);

// Visits --devices.
void VisitDevicesOption(CommonArguments& arguments, OptionVisitor& option);
// Visits --shard.
void VisitShardOption(CommonArguments& arguments, OptionVisitor& option);
// The shard that --shard names. Throws UsageError for a text that is no shard, and Error when it is
// `auto` and no launcher gave this process a number.
std::optional<Shard> AskedShard(const CommonArguments& arguments);

// The options of the model that differ from their defaults, as names and values: --model,
// --tokenizer, --device, --dtype and --compat. --model is always there.
std::vector<std::pair<std::string, std::string>> ModelOptionsOf(const CommonArguments& arguments);

// Visits --memory: the maximum number of bytes that `what` may use beside the weights.
void VisitMemoryOption(std::optional<uint64_t>& memory, const std::string& what,
                       OptionVisitor& option);
// Returns the limit in bytes. Without --memory it is CommandMemory of the model's device.
int64_t MemoryLimit(const std::optional<uint64_t>& memory, const Model& model);

// Returns the layers that `text` names, ascending and without repetitions. `text` is a number "3",
// a range "0-15", a list of both "2,4-6", or "all". Throws Error, which names the model's layers,
// for any other text and for a layer that the model lacks. `layers` is the number of layers.
std::vector<int> ParseLayers(const std::string& text, int layers);
// Parses attention heads in the same way.
std::vector<int> ParseHeads(const std::string& text, int heads);

// Returns the parts of `text` between separators, at least one.
std::vector<std::string> SplitAt(const std::string& text, char separator);

// Returns the projections with these names, without repetitions. {"all"} stands for every
// projection of the model. Throws Error, which lists the model's projections, for an unknown name.
std::vector<std::string> ParseProjections(const std::vector<std::string>& names,
                                          const Model& model);
// Returns the weights that `layers` and `projections` name: each projection in each layer. If one
// of the two is "all", a layer is skipped for a projection that it lacks. Otherwise, throws Error
// when a layer lacks a projection.
std::vector<EditPlace> ParseEditPlaces(const std::string& layers,
                                       const std::vector<std::string>& projections,
                                       const Model& model);

// Sets the number of threads and loads the model. Prints the checkpoint's warnings, and a warning
// if `tokenizer` does not fit the model. A host's model is loaded already.
Model LoadModel(const CommonArguments& arguments, const Tokenizer* tokenizer = nullptr);
// The same on each device (devices.h). Where a device is listed again, its model is shared.
std::vector<Model> LoadModelOnDevices(const CommonArguments& arguments,
                                      const Tokenizer* tokenizer = nullptr);

// The fingerprint of the model's checkpoint.
std::string ModelFingerprint(const CommonArguments& arguments);

// Throws Error if `file` is of another checkpoint than the model's. `what` names it, as "an edit",
// and `made_for` is the fingerprint of its checkpoint.
void RequireSameCheckpoint(const CommonArguments& arguments, const std::string& file,
                           const std::string& what, const std::string& made_for);
// Reads a file of edits of this model. Throws Error for edits of another checkpoint.
StoredEdits ReadEditsOf(const CommonArguments& arguments, const std::string& file);

// Exactly one of --prompt TEXT and --ids 5,17,3 is given.
struct PromptArguments {
  std::optional<std::string> prompt;
  std::vector<int64_t> ids;
};

// Loads the tokenizer of --tokenizer, or else that of the model's folder. Returns nothing when
// neither exists. Throws Error when it cannot be read.
std::optional<Tokenizer> LoadTokenizer(const CommonArguments& arguments);

// Like LoadTokenizer. But if the tokenizer of the model's folder cannot be read, prints a warning
// and returns nothing.
std::optional<Tokenizer> TryTokenizer(const CommonArguments& arguments);

// Loads the tokenizer for a prompt. A prompt of token ids does not need one, so this calls
// TryTokenizer for it.
std::optional<Tokenizer> LoadTokenizer(const CommonArguments& arguments,
                                       const PromptArguments& prompt);

// Like LoadTokenizer, but throws Error when there is no tokenizer.
Tokenizer RequireTokenizer(const CommonArguments& arguments);

// Prints a warning on stderr, unless --quiet.
void Warn(const CommonArguments& arguments, const std::string& sentence);

// Prints a note on stderr about what the program chose, unless --quiet or --json: a JSON document
// says it itself.
void Note(const CommonArguments& arguments, const std::string& sentence);

// Prints a warning with the number of records that were left out and the first faults. Prints a
// second warning for ignored fields.
void WarnOfFaults(const CommonArguments& arguments, const ReadFaults& faults);

// Warns when `prompt` ends with white space.
void WarnOfPrompt(const CommonArguments& common, const std::string& prompt);

// Warns when a prompt of `tokens` tokens is longer than the texts that the model was trained on
// (Config::trained_tokens).
void WarnOfLength(const CommonArguments& common, const Model& model, int64_t tokens);

// Warns when the tokenizer's vocabulary is larger than the model's, or smaller than 90 % of it. It
// may be the tokenizer of another model.
void WarnOfTokenizer(const CommonArguments& common, const Model& model, const Tokenizer& tokenizer);

// Throws Error when texts may have tokens that the model's vocabulary lacks. Special tokens do not
// occur in texts, so they may be outside the vocabulary.
void CheckTokenizer(const Model& model, const Tokenizer& tokenizer);

// Prints the result on stdout: `document` with --json, otherwise `text`. With --quiet, `text` is
// not printed.
void Print(const CommonArguments& arguments, const Json& document, const std::string& text);

// Returns a function that shows a job's progress on the terminal. `what` names the work. `unit`
// names what the rate counts; if empty, no rate is shown. Of a long job it also prints a note
// (LongWorkNote); `shorter` says what makes it shorter.
std::function<void(const JobProgress&)> ShowProgress(const CommonArguments& arguments,
                                                     const std::string& what,
                                                     const std::string& unit,
                                                     const std::string& shorter = "");

void VisitPromptOptions(PromptArguments& arguments, OptionVisitor& option);
// Returns the tokens of the prompt; those of --ids have no text. Throws Error when there is no
// prompt, when it is empty, and when a text has no tokenizer.
std::vector<Token> PromptTokens(const CommonArguments& common, const PromptArguments& arguments,
                                const std::optional<Tokenizer>& tokenizer);
// Returns their ids.
std::vector<int64_t> PromptIds(const CommonArguments& common, const PromptArguments& arguments,
                               const std::optional<Tokenizer>& tokenizer);

// Returns the text of one token. Returns null without a tokenizer, and for an id that it lacks.
Json TokenText(const std::optional<Tokenizer>& tokenizer, int64_t id);
// Returns such a text as a terminal shows it; "" for null.
std::string ShownToken(const Json& text);
// Returns the `top` most probable tokens of a distribution p [vocab], which is on the CPU, as
// [{id, text, prob}]. Throws Error when a probability is not finite.
Json TopTokens(const at::Tensor& p, int64_t top, const std::optional<Tokenizer>& tokenizer);

}  // namespace mambascope
