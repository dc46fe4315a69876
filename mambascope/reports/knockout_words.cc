#include "mambascope/reports/knockout_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "mambascope/figures/palette.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {

std::string FlowName(const KnockoutResult& result, const Flow& flow) {
  const auto& flows = result.flows;
  const bool one_target = std::all_of(flows.begin(), flows.end(),
                                      [&](const Flow& other) { return other.to == flow.to; });
  return fmt::format(
      "{}{}{}", flow.from, one_target ? "" : " -> " + flow.to,
      result.channels.size() > 1 ? fmt::format(" ({})", result.channels.at(flow.group)) : "");
}

std::string GroupText(const KnockoutResult& result, size_t group) {
  const std::string& channels = result.channels.at(group);
  return channels == "all" ? "" : fmt::format(" ({})", channels);
}

std::string WindowText(const KnockoutResult& result) {
  return "windows of " + CountText(static_cast<size_t>(result.window), "layer");
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

}  // namespace mambascope
