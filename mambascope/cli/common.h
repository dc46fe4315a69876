// What every command shares: its options, the model they name, and how results reach the user.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/cli/bundled.h"
#include "mambascope/cli/option.h"
#include "mambascope/data/read_faults.h"
#include "mambascope/experiments/editing/rome.h"
#include "mambascope/jobs/job.h"
#include "mambascope/model/model.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

extern const char* const kVersion;    // "0.1.0"
extern const char* const kGitCommit;  // of the sources; "+" at the end: with changes

struct CommonArguments {
  std::string model = "demo";
  std::string tokenizer;  // empty: the model folder's own
  std::string device = "cpu";
  std::string dtype = "float32";
  std::string compat = "none";
  int threads = 0;
  std::optional<uint64_t> seed;
  bool quiet = false;
  bool json = false;
  bool check = false;
  bool explain = false;

  uint64_t Seed() const { return seed.value_or(0); }
  at::ScalarType Dtype() const { return dtype == "bfloat16" ? at::kBFloat16 : at::kFloat; }
};
void VisitModelOption(CommonArguments& arguments, OptionVisitor& option);
// --compat, for the commands that have none of their own.
void VisitCompatOption(CommonArguments& arguments, OptionVisitor& option);
// All but these.
void VisitCommonOptions(CommonArguments& arguments, OptionVisitor& option);

// --memory: bytes that `what` may take beside the weights.
void VisitMemoryOption(std::optional<uint64_t>& memory, const std::string& what,
                       OptionVisitor& option);
// What it says; without it a quarter of the machine's memory, or 4 GiB of a GPU's, which nothing
// here can ask for.
int64_t MemoryLimit(const std::optional<uint64_t>& memory, const Model& model);

// The layers that `text` names, ascending, each once: "3", "0-15", "2,4,6" (and ranges among them),
// "all". Throws Error, which names the model's layers, for anything else.
std::vector<int> ParseLayers(const std::string& text, int layers);
// The same of attention heads.
std::vector<int> ParseHeads(const std::string& text, int heads);

// The parts of `text` between separators; one at least.
std::vector<std::string> SplitAt(const std::string& text, char separator);

// The projections of these names, each once, or "all" that some layer has. Throws Error, which
// lists the model's, for another name.
std::vector<std::string> ParseProjections(const std::vector<std::string>& names,
                                          const Model& model);
// The weights that `layers` and `projections` name: each projection in each layer. Where one of
// them is "all", layers without a projection are passed over. Throws Error for a layer that lacks a
// projection that is named with it.
std::vector<EditPlace> ParseEditPlaces(const std::string& layers,
                                       const std::vector<std::string>& projections,
                                       const Model& model);

// Sets the threads and loads the model. Warns about the checkpoint, and about a `tokenizer` that
// does not fit it.
Model LoadModel(const CommonArguments& arguments, const Tokenizer* tokenizer = nullptr);

// --prompt TEXT or --ids 5,17,3: exactly one.
struct PromptArguments {
  std::optional<std::string> prompt;
  std::vector<int64_t> ids;
};

// None where the folder holds no tokenizer and --tokenizer is not given.
std::optional<Tokenizer> LoadTokenizer(const CommonArguments& arguments);

// The same, but where the folder's own tokenizer cannot be read, a warning says so, and there is
// none.
std::optional<Tokenizer> TryTokenizer(const CommonArguments& arguments);

// The tokenizer for a prompt. A prompt of token ids does without one, as TryTokenizer has it.
std::optional<Tokenizer> LoadTokenizer(const CommonArguments& arguments,
                                       const PromptArguments& prompt);

// The same, where there must be one.
Tokenizer RequireTokenizer(const CommonArguments& arguments);

// Prints a warning on stderr, unless --quiet.
void Warn(const CommonArguments& arguments, const std::string& sentence);

// Prints a note on stderr about what the program chose, unless --quiet or --json: a JSON document
// says it itself.
void Note(const CommonArguments& arguments, const std::string& sentence);

// Prints a warning that names the records that were left out, the first few of them, and counts
// them.
void WarnOfFaults(const CommonArguments& arguments, const ReadFaults& faults);

// Warns of a prompt that ends with white space.
void WarnOfPrompt(const CommonArguments& common, const std::string& prompt);

// Warns of a vocabulary that is larger than the model's, or much smaller: the tokenizer is another
// model's.
void WarnOfTokenizer(const CommonArguments& common, const Model& model, const Tokenizer& tokenizer);

// Prints `document` on stdout where --json asks for it, else `text`, unless --quiet.
void Print(const CommonArguments& arguments, const Json& document, const std::string& text);

// Shows a job's progress on the terminal. `what` names the work, `unit` what the rate counts
// (empty: no rate).
std::function<void(const JobProgress&)> ShowProgress(const CommonArguments& arguments,
                                                     const std::string& what,
                                                     const std::string& unit);

void VisitPromptOptions(PromptArguments& arguments, OptionVisitor& option);
std::vector<int64_t> PromptIds(const CommonArguments& common, const PromptArguments& arguments,
                               const std::optional<Tokenizer>& tokenizer);

// The text of one token, or null without a tokenizer.
Json TokenText(const std::optional<Tokenizer>& tokenizer, int64_t id);

}  // namespace mambascope
