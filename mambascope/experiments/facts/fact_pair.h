// A fact asked of the model twice: clean, and corrupted by another subject or by noise. And the
// choice of facts and of other subjects.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/data/fact.h"
#include "mambascope/data/prompt.h"
#include "mambascope/model/model.h"

namespace mambascope {

struct FactPair {
  std::string relation;  // empty: the fact was given alone
  Prompt clean;
  std::optional<Prompt>
      corrupt;  // the prompt with another subject; none: the clean one, with noise on its subject
  std::optional<int64_t>
      answer_id;  // none: the clean run's most probable token (as Sharma et al. do)
};

struct ChoiceOptions {
  int64_t limit = 0;  // pairs; 0: as many as there are
  enum class Facts { kKnown, kAll } facts = Facts::kKnown;
  enum class Corruption { kOtherSubject, kNoise, kNone } corruption = Corruption::kOtherSubject;
  uint64_t seed = 0;
  // Called with pairs chosen and facts looked at.
  std::function<void(int64_t chosen, int64_t tested)> progress = {};
  // What other models know of facts, as KnowsFacts says it: known facts are those that all know.
  std::vector<std::function<std::vector<bool>(const std::vector<Fact>&)>> also_known = {};
};

// What became of a relation's facts.
struct RelationCount {
  std::string name;
  int64_t facts = 0;            // distinct ones in the data
  int64_t tested = 0;           // asked of the model
  int64_t known = 0;            // of these
  int64_t without_partner = 0;  // known, but no other subject has another object
  int64_t chosen = 0;
};

struct Choice {
  std::vector<FactPair> pairs;
  std::vector<Fact> facts;               // those of the pairs
  std::vector<RelationCount> relations;  // in the order of the data
};

// Whether the answer whose first token is spelled `token` is `object`: both without white space at
// the ends and in lower case, the object begins with the token, which is not empty (Hernandez et
// al. 2023; Sharma et al. 2024 use the same).
bool IsAnswer(const std::string& token, const std::string& object);

// Whether the model knows each fact: its most probable next token after the prompt IsAnswer.
std::vector<bool> KnowsFacts(const Model& model, const Tokenizer& tokenizer,
                             const std::vector<Fact>& facts);

// Facts in a random order, of which the model knows the answer: its most probable next token
// (IsAnswer). The other subject is drawn among those of the relation with another object (where a
// relation has no name, among those of the same pattern), of facts that the model knows too; one
// with the same number of tokens is preferred. The choice depends on the seed and the data alone:
// with a larger limit the same pairs come first. Throws Error when no pair can be made.
Choice ChoosePairs(const Model& model, const Tokenizer& tokenizer, const std::vector<Fact>& facts,
                   const ChoiceOptions& options);

}  // namespace mambascope
