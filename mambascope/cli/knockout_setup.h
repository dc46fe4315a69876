// The options of the command `knockout`, and the experiment that they define for a model.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/cli/common.h"
#include "mambascope/cli/facts.h"
#include "mambascope/experiments/knockout/knockout.h"

namespace mambascope {

struct KnockoutArguments {
  FactArguments facts = {};
  std::vector<std::string> models = {"demo"};
  std::vector<std::string> from = {}, to = {};  // empty: the defaults
  std::string mode = "cut", compat = "none";
  std::vector<int64_t> windows = {};  // lengths in layers; none: the default
  std::vector<std::string> channels = {}, mixers = {};
  std::optional<std::string> rank = {}, heads = {}, restore = {};
  bool heatmap = false, decompose = false;
  std::vector<std::string> texts = {};
  std::optional<int64_t> limit_documents = {}, max_tokens = {};

  bool ablates() const { return mode == "mean"; }
  // Whether there is one window around each layer, cut off at the model's ends. Otherwise windows
  // lie completely in the model.
  bool around_layers() const { return compat == "romba"; }
  // Whether texts are read, for mean states or step sizes.
  bool reads_texts() const { return ablates() || rank == "step"; }
};
void VisitKnockoutOptions(KnockoutArguments& arguments, OptionVisitor& option);

// Throws UsageError for options that cannot be combined.
void CheckKnockout(const KnockoutArguments& arguments);

// Returns the options of the experiment, except the cells' options and the means of an ablation.
// Throws Error for options that the model does not support.
KnockoutOptions SetUpKnockout(const KnockoutArguments& arguments, const Model& model,
                              const Tokenizer& tokenizer);
// Returns the numbers of layers in a window, each once. Throws Error when --window exceeds the
// model's layers.
std::vector<int> WindowLengths(const KnockoutArguments& arguments, const Model& model);
// Returns the token ids of the texts for mean states and step sizes. Throws Error when the texts
// have no document.
std::vector<std::vector<int64_t>> TextIds(const KnockoutArguments& arguments, const Model& model,
                                          const Tokenizer& tokenizer);

// Adds to `run` the options whose values depend on the model or on other options.
void DescribeKnockout(const KnockoutArguments& arguments, const KnockoutOptions& options,
                      RunDescription& run);

}  // namespace mambascope
