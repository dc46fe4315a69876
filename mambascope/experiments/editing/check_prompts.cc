#include "mambascope/experiments/editing/check_prompts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "mambascope/data/prompt.h"
#include "mambascope/data/random.h"
#include "mambascope/experiments/editing/target_scores.h"
#include "mambascope/plural.h"

namespace mambascope {
namespace {

constexpr size_t kMost = 10;         // paraphrases, and neighbors
constexpr size_t kOfSameObject = 5;  // neighbors of the subject's own object

constexpr std::pair<CheckKind, const char*> kKinds[] = {{CheckKind::kParaphrase, "paraphrase"},
                                                        {CheckKind::kNeighbor, "neighbor"},
                                                        {CheckKind::kPrompt, "prompt"}};

std::vector<std::string> AllTemplates(const Relation& relation) {
  std::vector<std::string> all = relation.prompt_templates;
  all.insert(all.end(), relation.prompt_templates_zs.begin(), relation.prompt_templates_zs.end());
  return all;
}

// Templates may end with spaces, which prompts rarely do.
std::string WithoutTrailingSpaces(std::string text) {
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

bool HasPattern(const Relation& relation, const std::string& pattern) {
  const std::vector<std::string> all = AllTemplates(relation);
  return std::any_of(all.begin(), all.end(), [&](const std::string& one) {
    return WithoutTrailingSpaces(one) == WithoutTrailingSpaces(pattern);
  });
}

// The object of the subject's first sample; null where it has none.
const std::string* ObjectOf(const Relation& relation, const std::string& subject) {
  const auto sample = std::find_if(relation.samples.begin(), relation.samples.end(),
                                   [&](const Sample& s) { return s.subject == subject; });
  return sample == relation.samples.end() ? nullptr : &sample->object;
}

// Some of `all`, in their order.
template <typename T>
std::vector<T> Draw(const std::vector<T>& all, size_t count, Random& random) {
  std::vector<size_t> indices(all.size());
  std::iota(indices.begin(), indices.end(), 0);
  random.Shuffle(indices);
  indices.resize(std::min(count, indices.size()));
  std::sort(indices.begin(), indices.end());
  std::vector<T> drawn;
  for (const size_t i : indices) drawn.push_back(all[i]);
  return drawn;
}

std::vector<CheckPrompt> Paraphrases(const Relation& relation, const Rewrite& rewrite,
                                     Random& random) {
  std::vector<CheckPrompt> all;
  std::set<std::string> seen = {WithoutTrailingSpaces(rewrite.pattern)};
  for (const std::string& one : AllTemplates(relation)) {
    const std::string pattern = WithoutTrailingSpaces(one);
    if (seen.insert(pattern).second)
      all.push_back({CheckKind::kParaphrase, FillPattern(pattern, rewrite.subject)});
  }
  return Draw(all, kMost, random);
}

std::vector<CheckPrompt> Neighbors(const Relation& relation, const Rewrite& rewrite,
                                   Random& random) {
  const std::string* object = ObjectOf(relation, rewrite.subject);
  std::vector<CheckPrompt> same, other;
  std::set<std::string> seen = {rewrite.subject};
  for (const Sample& sample : relation.samples) {
    if (!seen.insert(sample.subject).second) continue;
    (object != nullptr && sample.object == *object ? same : other)
        .push_back(
            {CheckKind::kNeighbor, FillPattern(rewrite.pattern, sample.subject), sample.object});
  }
  const size_t few_others = kMost - std::min(kMost, other.size());
  std::vector<CheckPrompt> neighbors = Draw(same, std::max(kOfSameObject, few_others), random);
  const std::vector<CheckPrompt> others = Draw(other, kMost - neighbors.size(), random);
  neighbors.insert(neighbors.end(), others.begin(), others.end());
  return neighbors;
}

}  // namespace

const char* CheckKindName(CheckKind kind) {
  return std::find_if(std::begin(kKinds), std::end(kKinds),
                      [&](const auto& named) { return named.first == kind; })
      ->second;
}

CheckKind ReadCheckKind(const std::string& name) {
  return std::find_if(std::begin(kKinds), std::end(kKinds),
                      [&](const auto& named) { return named.second == name; })
      ->first;
}

const Relation* RelationOfPattern(const std::vector<Relation>& relations, const Rewrite& rewrite) {
  const Relation* found = nullptr;
  for (const Relation& relation : relations) {
    if (!HasPattern(relation, rewrite.pattern)) continue;
    if (ObjectOf(relation, rewrite.subject) != nullptr) return &relation;
    if (found == nullptr) found = &relation;
  }
  return found;
}

std::vector<const Relation*> RelationsOfSubject(const std::vector<Relation>& relations,
                                                const std::string& subject) {
  std::vector<const Relation*> found;
  for (const Relation& relation : relations) {
    if (ObjectOf(relation, subject) != nullptr) found.push_back(&relation);
  }
  return found;
}

std::vector<CheckPrompt> MakeCheckPrompts(const Relation& relation, const Rewrite& rewrite,
                                          uint64_t seed) {
  Random random(seed);
  std::vector<CheckPrompt> prompts = Paraphrases(relation, rewrite, random);
  const std::vector<CheckPrompt> neighbors = Neighbors(relation, rewrite, random);
  prompts.insert(prompts.end(), neighbors.begin(), neighbors.end());
  return prompts;
}

std::vector<EditCheck> CheckPrompts(const Model& before, const Model& after,
                                    const Tokenizer& tokenizer,
                                    const std::vector<CheckPrompt>& prompts,
                                    const std::vector<int64_t>& target) {
  std::vector<std::vector<int64_t>> ids;
  for (const CheckPrompt& prompt : prompts)
    ids.push_back(EncodePrompt(tokenizer, prompt.prompt,
                               fmt::format("the {} to check", CheckKindName(prompt.kind))));
  const std::vector<NextTokens> earlier = PredictNext(before, tokenizer, ids, target),
                                later = PredictNext(after, tokenizer, ids, target);
  std::vector<EditCheck> checks;
  for (size_t i = 0; i < prompts.size(); ++i)
    checks.push_back({.prompt = prompts[i], .before = earlier[i], .after = later[i]});
  return checks;
}

std::optional<std::string> NeighborWarning(const std::vector<EditCheck>& checks) {
  constexpr size_t kNamed = 3;
  int64_t neighbors = 0, caught = 0;
  std::vector<std::string> named;
  for (const EditCheck& check : checks) {
    if (check.prompt.kind != CheckKind::kNeighbor) continue;
    ++neighbors;
    if (check.before.says_target || !check.after.says_target) continue;
    ++caught;
    if (named.size() < kNamed) named.push_back(fmt::format("'{}'", check.prompt.prompt));
  }
  if (caught == 0) return std::nullopt;
  return fmt::format("{} of {} now {} the target, too: {}{}", caught, Count(neighbors, "neighbor"),
                     caught == 1 ? "says" : "say", fmt::join(named, ", "),
                     named.size() < static_cast<size_t>(caught) ? ", .." : "");
}

}  // namespace mambascope
