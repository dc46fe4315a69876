#include "mambascope/data/relation_split.h"

#include <algorithm>
#include <map>

namespace mambascope {

RelationSplit SplitSamples(std::vector<Sample> samples, size_t count, Random& random) {
  random.Shuffle(samples);
  std::vector<std::vector<Sample>> groups;  // one per object, in order of first occurrence
  std::map<std::string, size_t> group_of;
  for (const Sample& sample : samples) {
    const auto [group, is_new] = group_of.emplace(sample.object, groups.size());
    if (is_new) groups.emplace_back();
    groups[group->second].push_back(sample);
  }
  for (std::vector<Sample>& group : groups) random.Shuffle(group);
  std::vector<Sample> order;
  for (size_t round = 0; order.size() < samples.size(); ++round) {
    for (const std::vector<Sample>& group : groups) {
      if (round < group.size()) order.push_back(group[round]);
    }
  }
  const auto end = order.begin() + static_cast<int64_t>(count);
  return {{order.begin(), end}, {end, order.end()}};
}

std::vector<std::optional<size_t>> DrawEditTargets(
    const std::vector<Sample>& samples,
    const std::function<bool(size_t from, size_t to)>& can_become, Random& random) {
  // Equal samples share the last target drawn for them, as in the public implementation.
  std::map<Sample, size_t> drawn;
  for (size_t from = 0; from < samples.size(); ++from) {
    std::vector<size_t> others;
    for (size_t to = 0; to < samples.size(); ++to) {
      if (can_become(from, to)) others.push_back(to);
    }
    if (!others.empty()) drawn[samples[from]] = random.Choice(others);
  }
  std::vector<std::optional<size_t>> targets;
  for (const Sample& sample : samples) {
    const auto found = drawn.find(sample);
    targets.push_back(found == drawn.end() ? std::nullopt : std::optional(found->second));
  }
  return targets;
}

}  // namespace mambascope
