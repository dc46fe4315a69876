// What the command `knockout` is asked for, and what that means for a model.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/cli/common.h"
#include "mambascope/cli/facts.h"
#include "mambascope/experiments/knockout.h"
#include "mambascope/experiments/mean_states.h"

namespace mambascope {

struct KnockoutArguments {
  FactOptions facts;
  std::vector<std::string> models = {"demo"};
  std::vector<std::string> from, to;  // none: the defaults
  std::string mode = "cut", compat = "none";
  int window = 0;  // 0: the default
  std::optional<std::string> heads, restore;
  bool heatmap = false;
  std::vector<std::string> texts;  // for mean states
  std::optional<int64_t> limit_documents, max_tokens;

  bool ablates() const { return mode == "mean"; }
};
void AddKnockoutOptions(CLI::App& command, KnockoutArguments& arguments);

// Throws CLI::ValidationError for options that do not fit each other.
void CheckKnockout(const KnockoutArguments& arguments);

// The experiment, but for the cells' options and the ablation's means. Throws Error for what the model cannot do.
KnockoutOptions SetUpKnockout(const KnockoutArguments& arguments, const Model& model);
// The windows' length in it.
int WindowOf(const KnockoutArguments& arguments, const Model& model);
// The windows' places on an axis: their first layers; of windows around layers, these.
std::vector<int> PlacesOf(const KnockoutArguments& arguments, const KnockoutOptions& options);

// The texts for mean states, and how much of them.
std::vector<std::filesystem::path> TextsOf(const KnockoutArguments& arguments);
MeanStateOptions MeanOptionsOf(const KnockoutArguments& arguments);

// The options in result files.
Json EchoKnockout(const KnockoutArguments& arguments, const KnockoutOptions& options, int window);

}  // namespace mambascope
