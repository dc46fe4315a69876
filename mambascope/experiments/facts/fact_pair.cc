#include "mambascope/experiments/facts/fact_pair.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "mambascope/data/random.h"
#include "mambascope/error.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/kernels/batch_sizes.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

// Remembers which facts the model knows. Each fact is asked once.
class Knowledge {
 public:
  Knowledge(const Model& model, const Tokenizer& tokenizer, const std::vector<Fact>& facts,
            const ChoiceOptions& options)
      : model_(model),
        tokenizer_(tokenizer),
        facts_(facts),
        options_(options),
        known_(facts.size()) {}

  // Asks the model for the facts of `which` that have not been asked. Facts that it knows are then
  // asked of the other models in turn.
  void Ask(const std::vector<size_t>& which) {
    if (options_.facts == ChoiceOptions::Facts::kAll) return;
    std::set<size_t> open;
    for (size_t i : which) {
      if (!known_[i]) open.insert(i);
    }
    KeepKnown(open, [&](const std::vector<Fact>& facts) {
      return KnowsFacts(model_, tokenizer_, facts);
    });
    for (const auto& also : options_.also_known) KeepKnown(open, also);
  }
  // Whether the fact may be used. REQUIRES: asked.
  bool Has(size_t fact) const {
    return options_.facts == ChoiceOptions::Facts::kAll || *known_[fact];
  }
  bool asked(size_t fact) const { return known_[fact].has_value(); }
  bool known(size_t fact) const { return known_[fact].value_or(false); }

 private:
  void KeepKnown(std::set<size_t>& open,
                 const std::function<std::vector<bool>(const std::vector<Fact>&)>& knows) {
    if (open.empty()) return;
    std::vector<Fact> facts;
    for (size_t i : open) facts.push_back(facts_[i]);
    const std::vector<bool> known = knows(facts);
    size_t next = 0;
    for (size_t i : open) known_[i] = known[next++];
    std::erase_if(open, [&](size_t i) { return !*known_[i]; });
  }

  const Model& model_;
  const Tokenizer& tokenizer_;
  const std::vector<Fact>& facts_;
  const ChoiceOptions& options_;
  std::vector<std::optional<bool>> known_;
};

// Facts whose subjects may replace that of one fact, the best first: those that `is_like` accepts,
// then the others. Each is judged when it is first needed, because that takes a tokenization.
class Candidates {
 public:
  Candidates(std::vector<size_t> facts, std::function<bool(size_t)> is_like)
      : facts_(std::move(facts)), is_like_(std::move(is_like)) {}

  size_t size() const { return facts_.size(); }
  size_t operator[](size_t i) {
    while (alike_.size() <= i && judged_ < facts_.size()) {
      const size_t fact = facts_[judged_++];
      (is_like_(fact) ? alike_ : others_).push_back(fact);
    }
    return i < alike_.size() ? alike_[i] : others_[i - alike_.size()];
  }

 private:
  std::vector<size_t> facts_;
  std::function<bool(size_t)> is_like_;
  size_t judged_ = 0;  // the first of facts_ that is in neither list
  std::vector<size_t> alike_, others_;
};

// Finds another subject for each fact.
class Partners {
 public:
  Partners(const Tokenizer& tokenizer, const std::vector<Fact>& facts, uint64_t seed)
      : tokenizer_(tokenizer), facts_(facts), seed_(seed) {
    for (size_t i = 0; i < facts.size(); ++i) groups_[FactGroup(facts[i])].push_back(i);
  }

  // Returns facts of the relation with another object. Subjects of as many tokens come first.
  Candidates Of(size_t fact) {
    const Fact& own = facts_[fact];
    const std::vector<size_t>& group = groups_.at(FactGroup(own));
    // A fact without an object (--all-facts) may take any other subject.
    std::set<std::string> with_same_object = {own.subject};
    for (size_t other : group) {
      if (!own.object.empty() && facts_[other].object == own.object)
        with_same_object.insert(facts_[other].subject);
    }
    std::vector<size_t> candidates;
    for (size_t other : group) {
      if (!with_same_object.contains(facts_[other].subject)) candidates.push_back(other);
    }
    // Each fact has an order of its own, which does not depend on the other chosen facts.
    Random random(seed_ ^ (0x9e3779b97f4a7c15ULL * (fact + 1)));
    random.Shuffle(candidates);
    return {std::move(candidates), [this, &own](size_t other) {
              return SubjectTokens(own.pattern, facts_[other].subject) ==
                     SubjectTokens(own.pattern, own.subject);
            }};
  }

 private:
  static std::string FactGroup(const Fact& fact) {
    return fact.relation.empty() ? fact.pattern : fact.relation;
  }

  int64_t SubjectTokens(const std::string& pattern, const std::string& subject) {
    const auto [found, is_new] = tokens_.try_emplace({pattern, subject}, 0);
    if (is_new) {
      const Span span = MakePrompt(tokenizer_, pattern, subject).subject_span;
      found->second = span.end - span.begin;
    }
    return found->second;
  }

  const Tokenizer& tokenizer_;
  const std::vector<Fact>& facts_;
  const uint64_t seed_;
  std::map<std::string, std::vector<size_t>> groups_;
  std::map<std::pair<std::string, std::string>, int64_t> tokens_;
};

// Returns the first candidate of each fact that the model knows, or none. Asks for a few candidates
// of each fact at a time.
std::vector<std::optional<size_t>> FindPartners(const std::vector<size_t>& facts,
                                                Partners& partners, Knowledge& knowledge) {
  std::vector<Candidates> candidates;
  for (size_t fact : facts) candidates.push_back(partners.Of(fact));
  std::vector<std::optional<size_t>> found(facts.size());
  bool open = true;
  for (size_t begin = 0, count = 1; open; begin += count, count *= 2) {
    open = false;
    std::vector<size_t> asked;
    for (size_t i = 0; i < facts.size(); ++i) {
      for (size_t c = begin; c < std::min(begin + count, candidates[i].size()) && !found[i]; ++c)
        asked.push_back(candidates[i][c]);
    }
    knowledge.Ask(asked);
    for (size_t i = 0; i < facts.size(); ++i) {
      for (size_t c = begin; c < std::min(begin + count, candidates[i].size()) && !found[i]; ++c) {
        if (knowledge.Has(candidates[i][c])) found[i] = candidates[i][c];
      }
      open = open || (!found[i] && begin + count < candidates[i].size());
    }
  }
  return found;
}

// Counts by relation, in the order of the data.
class Counts {
 public:
  explicit Counts(const std::vector<Fact>& facts) {
    for (const Fact& fact : facts) {
      const auto [found, is_new] = index_.try_emplace(fact.relation, counts_.size());
      if (is_new) counts_.push_back({.name = fact.relation});
      ++counts_[found->second].facts;
    }
  }
  RelationCount& operator[](const Fact& fact) { return counts_[index_.at(fact.relation)]; }
  std::vector<RelationCount> Take() { return std::move(counts_); }

 private:
  std::map<std::string, size_t> index_;
  std::vector<RelationCount> counts_;
};

// Throws the Error that says why there is no pair.
void RefuseNone(const std::vector<RelationCount>& relations, const ChoiceOptions& options,
                size_t facts) {
  const bool alone = std::any_of(relations.begin(), relations.end(),
                                 [](const RelationCount& r) { return r.without_partner > 0; });
  if (alone)
    throw Error(
        "no fact can be corrupted by another subject: no subject of its relation has another "
        "object",
        "corrupt with noise instead, or give more facts of the relation");
  const bool known_only = options.facts == ChoiceOptions::Facts::kKnown;
  throw Error(
      fmt::format("{} none of the facts ({} tested)",
                  options.also_known.empty() ? "the model knows" : "the models together know",
                  facts),
      known_only ? "--all-facts also takes facts that are not known" : "");
}

}  // namespace

std::vector<bool> KnowsFacts(const Model& model, const Tokenizer& tokenizer,
                             const std::vector<Fact>& facts) {
  std::vector<bool> knows;
  for (size_t begin = 0; begin < facts.size(); begin += kPromptsTogether) {
    const size_t end = std::min(begin + kPromptsTogether, facts.size());
    std::vector<std::vector<int64_t>> prompts;
    for (size_t i = begin; i < end; ++i)
      prompts.push_back(MakePrompt(tokenizer, facts[i].pattern, facts[i].subject).ids);
    const at::Tensor top = Run(model, prompts).LastLogits().argmax(1).cpu();
    for (size_t i = begin; i < end; ++i) {
      const auto id = top[static_cast<int64_t>(i - begin)].item<int64_t>();
      knows.push_back(IsAnswer(tokenizer.DecodeToken(id).value_or(""), facts[i].object));
    }
  }
  return knows;
}

bool IsAnswer(const std::string& token, const std::string& object) {
  const std::string said = StripWhiteSpace(ToLower(token)),
                    meant = StripWhiteSpace(ToLower(object));
  return !said.empty() && meant.starts_with(said);
}

Choice ChoosePairs(const Model& model, const Tokenizer& tokenizer, const std::vector<Fact>& facts,
                   const ChoiceOptions& options) {
  c10::NoGradGuard no_grad;
  Knowledge knowledge(model, tokenizer, facts, options);
  Partners partners(tokenizer, facts, options.seed);
  Counts counts(facts);
  std::vector<size_t> order(facts.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  Random(options.seed).Shuffle(order);
  Choice choice;
  const auto full = [&] {
    return options.limit > 0 && static_cast<int64_t>(choice.pairs.size()) >= options.limit;
  };
  for (size_t begin = 0; begin < order.size() && !full(); begin += kPromptsTogether) {
    std::vector<size_t> batch(
        order.begin() + static_cast<int64_t>(begin),
        order.begin() + static_cast<int64_t>(std::min(begin + kPromptsTogether, order.size())));
    knowledge.Ask(batch);
    std::erase_if(batch, [&](size_t fact) { return !knowledge.Has(fact); });
    const bool swaps = options.corruption == ChoiceOptions::Corruption::kOtherSubject;
    const auto found = swaps ? FindPartners(batch, partners, knowledge)
                             : std::vector<std::optional<size_t>>(batch.size());
    for (size_t i = 0; i < batch.size() && !full(); ++i) {
      const Fact& fact = facts[batch[i]];
      if (swaps && !found[i]) {
        ++counts[fact].without_partner;
        continue;
      }
      ++counts[fact].chosen;
      FactPair pair{.relation = fact.relation,
                    .clean = MakePrompt(tokenizer, fact.pattern, fact.subject),
                    .corrupt = {},
                    .answer_id = {}};
      if (found[i]) pair.corrupt = MakePrompt(tokenizer, fact.pattern, facts[*found[i]].subject);
      choice.pairs.push_back(std::move(pair));
      choice.facts.push_back(fact);
    }
    if (options.progress)
      options.progress(static_cast<int64_t>(choice.pairs.size()),
                       static_cast<int64_t>(std::min(begin + kPromptsTogether, order.size())));
  }
  for (size_t i = 0; i < facts.size(); ++i) {
    counts[facts[i]].tested += knowledge.asked(i) ? 1 : 0;
    counts[facts[i]].known += knowledge.known(i) ? 1 : 0;
  }
  choice.relations = counts.Take();
  if (choice.pairs.empty()) RefuseNone(choice.relations, options, facts.size());
  return choice;
}

}  // namespace mambascope
