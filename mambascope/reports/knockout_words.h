// Charts, pages and the terminal describe knockouts in the same words, and give token sets the same
// colours.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/experiments/knockout/knockout_result.h"

namespace mambascope {

// "subject", "subject -> last", "subject -> last (heads 0-3)" or "subject (w = 3)": the parts that
// tell the result's curves apart. w is the length of the windows.
std::string FlowName(const KnockoutResult& result, const Flow& flow);

// "recurrence alone", "attention alone", or the name of another group of channels.
std::string GroupName(const std::string& group);
// Whether the groups are kinds of mixers.
bool IsByMixers(const KnockoutResult& result);

// " (fast)"; empty if all channels are cut.
std::string GroupText(const KnockoutResult& result, size_t group);

// "windows of 2 layers", "windows of 1, 3 and 9 layers"
std::string WindowText(const KnockoutResult& result);
// "windows of 2 layers": the result's first windows, which heat maps show.
std::string FirstWindowText(const KnockoutResult& result);

// The places of the windows of all lengths, ascending.
std::vector<int> AllPlaces(const KnockoutResult& result);
// `values` at the places `own`, spread over AllPlaces. The others have none.
template <typename T>
std::vector<std::optional<T>> AtPlaces(const KnockoutResult& result, const std::vector<int>& own,
                                       const std::vector<std::optional<T>>& values) {
  const std::vector<int> all = AllPlaces(result);
  std::vector<std::optional<T>> spread(all.size());
  for (size_t w = 0; w < own.size(); ++w)
    spread[static_cast<size_t>(std::find(all.begin(), all.end(), own[w]) - all.begin())] =
        values.at(w);
  return spread;
}

// "12 facts of relations", or the prompt of the only fact.
std::string KnockoutData(const KnockoutResult& result);

// The tones of curves of token sets. Published figures draw first in blue, last in orange, subject
// in green, context in red and relation in purple. Other sets get the tones that are left.
std::vector<size_t> ChooseTones(const std::vector<std::string>& sets);

// The window of a flow in which p(answer) falls most, by `loss` percent.
struct LargestCut {
  size_t flow = 0, window = 0;
  double loss = 0;
};

// The largest loss of all flows, except those from the source `without`. None: there is no value.
std::optional<LargestCut> FindLargestCut(const KnockoutResult& result,
                                         const std::string& without = "");

}  // namespace mambascope
