#include "mambascope/reports/knockout_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "mambascope/figures/palette.h"
#include "mambascope/figures/values.h"
#include "mambascope/plural.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {

std::string FlowName(const KnockoutResult& result, const Flow& flow) {
  const auto& flows = result.flows;
  const bool one_target = std::all_of(flows.begin(), flows.end(),
                                      [&](const Flow& other) { return other.to == flow.to; });
  return fmt::format(
      "{}{}{}{}", flow.from, one_target ? "" : " -> " + flow.to,
      result.channels.size() > 1 ? fmt::format(" ({})", GroupName(result.channels.at(flow.group)))
                                 : "",
      result.lengths.size() > 1 ? fmt::format(" (w = {})", result.lengths.at(flow.windows).window)
                                : "");
}

std::string GroupName(const std::string& group) {
  if (group == "mamba") return "recurrence alone";
  return group == "attention" ? "attention alone" : group;
}

bool IsByMixers(const KnockoutResult& result) {
  return std::any_of(result.channels.begin(), result.channels.end(), [](const std::string& group) {
    return group == "mamba" || group == "attention";
  });
}

std::string GroupText(const KnockoutResult& result, size_t group) {
  const std::string& channels = result.channels.at(group);
  return channels == "all" ? "" : fmt::format(" ({})", GroupName(channels));
}

std::string WindowText(const KnockoutResult& result) {
  if (result.lengths.size() == 1) return FirstWindowText(result);
  std::string lengths;
  for (size_t i = 0; i < result.lengths.size(); ++i)
    lengths += fmt::format("{}{}",
                           i == 0                          ? ""
                           : i + 1 < result.lengths.size() ? ", "
                                                           : " and ",
                           result.lengths[i].window);
  return fmt::format("windows of {} layers", lengths);
}

std::string FirstWindowText(const KnockoutResult& result) {
  return "windows of " + Count(result.lengths.at(0).window, "layer");
}

std::vector<int> AllPlaces(const KnockoutResult& result) {
  std::set<int> places;
  for (const WindowPlaces& length : result.lengths) places.insert(length.x.begin(), length.x.end());
  return {places.begin(), places.end()};
}

std::string KnockoutData(const KnockoutResult& result) {
  if (result.facts.size() == 1) return result.facts[0].prompt.text;
  return DataText(result.options, result.facts.size(), "fact");
}

std::vector<size_t> ChooseTones(const std::vector<std::string>& sets) {
  static const std::map<std::string, size_t> kUsual = {
      {"first", 0}, {"last", 1}, {"subject", 2}, {"context", 3}, {"relation", 7}};
  std::set<size_t> taken;
  for (const std::string& set : sets) {
    if (kUsual.contains(set)) taken.insert(kUsual.at(set));
  }
  std::vector<size_t> tones;
  size_t next = 0;
  for (const std::string& set : sets) {
    if (kUsual.contains(set)) {
      tones.push_back(kUsual.at(set));
      continue;
    }
    while (next < kCurveColours.size() && taken.contains(next)) ++next;
    tones.push_back(next++);
  }
  return tones;
}

std::optional<LargestCut> FindLargestCut(const KnockoutResult& result, const std::string& without) {
  std::optional<LargestCut> largest;
  const std::vector<KnockoutAverage>& averages = result.summary.all.flows;
  for (size_t f = 0; f < std::min(result.flows.size(), averages.size()); ++f) {
    if (result.flows[f].from == without) continue;
    for (size_t w = 0; w < averages[f].change.size(); ++w) {
      const double loss = -averages[f].change[w];
      if (HasValue(loss) && (!largest || loss > largest->loss)) largest = {f, w, loss};
    }
  }
  return largest;
}

}  // namespace mambascope
