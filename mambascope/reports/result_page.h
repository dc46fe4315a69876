// The pages of all experiments share these texts: the model, the facts, and the options.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/facts/traced_fact.h"
#include "mambascope/figures/curves.h"
#include "mambascope/figures/page.h"

namespace mambascope {

// "8, 9, 10"
std::string JoinTexts(const std::vector<std::string>& texts);

// Returns the model's folder name, "demo-neox" for --model models/demo-neox. If the precision is
// not float32, it follows: "demo-neox in bfloat16".
std::string ModelName(const Json& options);
// Returns `name`, followed by the precision in the same way.
std::string ModelName(const std::string& name, const Json& options);

// The model's name in figures.
template <typename Result>
std::string ModelOf(const Result& result) {
  return result.name.empty() ? ModelName(result.options) : ModelName(result.name, result.options);
}

// The names of the data files or folders: "relations", "counterfact.json". Empty: none was given.
std::string DataName(const Json& options);

// "12 facts of relations", "1 record of counterfact.json"
std::string DataText(const Json& options, size_t count, const std::string& noun);

// "river_continent 12 of 130, ..": how many facts of each relation were chosen.
std::string RelationsLine(const std::vector<RelationCount>& relations);

// "2 facts are left out, because ..": facts without a scale (ScaleOf). Empty: there is none.
std::string GuardText(int64_t guarded, Metric metric = Metric::kProbability);

// "None of the 3 facts qualifies, because ..": averages leave out all facts.
std::string NoneText(size_t facts, Metric metric);

// ", noise, logit difference": how a trace's title differs from the default. Empty: it does not.
template <typename Result>
std::string TitleDetails(const Result& result) {
  const bool is_noisy = !result.facts.empty() && !result.facts[0].fact.corrupt;
  return std::string(is_noisy ? ", noise" : "") +
         (result.metric == Metric::kLogitDiff ? ", logit difference" : "");
}

// "(p - p_corrupt) / (p_clean - p_corrupt), where ..": the indirect effect.
std::string EffectText(Metric metric);

// "mambascope trace --prompt 'The {} is in'": the command line that makes results of these options
// again, for a POSIX shell. It leaves out where results go. Empty: a file of an older version.
std::string CommandLine(const Json& options);
// The text as one word of a POSIX shell.
std::string ShellQuoted(const std::string& text);
// "mambascope", and after it these words: a command and its options.
std::string ShellLine(const std::vector<std::string>& words);

// The options, a line each, for "How this was made".
PageLines OptionLines(const Json& options);
// The same of several runs: the options that have one value in all of them.
PageLines SharedOptionLines(const std::vector<const Json*>& runs);

// "3"; "embed" for kEmbedLayer.
std::string LayerName(int layer);

// Gives the chart these layers as places, on a numeric axis.
void SetLayers(LineChart& chart, const std::vector<int>& layers);
// The same for layers 0 to count - 1.
void SetLayers(LineChart& chart, size_t count);

// Gives the chart the depths from 0 to 100 % as places. Curves of models with different numbers of
// layers then have one axis.
void SetDepths(LineChart& chart, const std::string& title);
// The curve with its values at the depths of their places, from the first place to the last. Other
// depths have no value.
Curve AtDepths(const Curve& curve);

}  // namespace mambascope
