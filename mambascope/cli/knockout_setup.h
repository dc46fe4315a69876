// What the command `knockout` is asked for, and what that means for a model.
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
  std::vector<std::string> from = {}, to = {};  // none: the defaults
  std::string mode = "cut", compat = "none";
  std::vector<int64_t> windows = {};  // lengths in layers; none: the default
  std::vector<std::string> channels = {};
  std::optional<std::string> rank = {}, heads = {}, restore = {};
  bool heatmap = false, decompose = false;
  std::vector<std::string> texts = {};
  std::optional<int64_t> limit_documents = {}, max_tokens = {};

  bool ablates() const { return mode == "mean"; }
  // Whether windows lie around layers, and not in the model as a whole.
  bool around_layers() const { return compat == "romba"; }
  // Whether mean states or step sizes are taken over texts.
  bool reads_texts() const { return ablates() || rank == "step"; }
};
void VisitKnockoutOptions(KnockoutArguments& arguments, OptionVisitor& option);

// Throws UsageError for options that do not fit each other.
void CheckKnockout(const KnockoutArguments& arguments);

// The experiment, but for the cells' options and the ablation's means. Throws Error for what the
// model cannot do.
KnockoutOptions SetUpKnockout(const KnockoutArguments& arguments, const Model& model,
                              const Tokenizer& tokenizer);
// The lengths of its windows, each once, in layers. Throws Error for one that is longer than the
// model.
std::vector<int> WindowLengths(const KnockoutArguments& arguments, const Model& model);
// The tokens of the texts that mean states and step sizes are taken over. Throws Error where there
// are none.
std::vector<std::vector<int64_t>> TextIds(const KnockoutArguments& arguments, const Model& model,
                                          const Tokenizer& tokenizer);

// What of the options the model and the other options decide.
void DescribeKnockout(const KnockoutArguments& arguments, const KnockoutOptions& options,
                      RunDescription& run);

}  // namespace mambascope
