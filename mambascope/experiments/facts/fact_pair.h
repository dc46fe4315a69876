// Facts that are asked of the model twice: with the clean prompt, and with a corrupted one. This
// file also chooses the facts and the subjects of the corrupted prompts.
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
  // The prompt with another subject. None: the clean prompt, with noise on its subject.
  std::optional<Prompt> corrupt;
  // None: the clean run's most probable token, as in Sharma et al. 2024.
  std::optional<int64_t> answer_id;
  // The answer to compare with in logit differences. None: the most probable token after the
  // corrupted prompt; with noise there is none then.
  std::optional<int64_t> other_answer_id = {};
};

struct ChoiceOptions {
  int64_t limit = 0;  // maximum number of pairs; 0: no limit
  enum class Facts { kKnown, kAll } facts = Facts::kKnown;
  enum class Corruption { kOtherSubject, kNoise, kNone } corruption = Corruption::kOtherSubject;
  uint64_t seed = 0;
  // Called with the number of pairs chosen and of facts looked at so far.
  std::function<void(int64_t chosen, int64_t tested)> progress = {};
  // KnowsFacts of other models. A fact counts as known only when these models know it too.
  std::vector<std::function<std::vector<bool>(const std::vector<Fact>&)>> also_known = {};
};

// How many facts of a relation were tested and chosen.
struct RelationCount {
  std::string name;
  int64_t facts = 0;            // distinct facts in the data
  int64_t tested = 0;           // facts that the model was asked
  int64_t known = 0;            // tested facts that the model knows
  int64_t without_partner = 0;  // facts to trace for which no other subject was found
  int64_t chosen = 0;
};

struct Choice {
  std::vector<FactPair> pairs;
  std::vector<Fact> facts;               // the facts of the pairs
  std::vector<RelationCount> relations;  // in the order of the data
};

// Whether `token`, the text of an answer's first token, begins `object`. Both are compared in lower
// case and without white space at their ends. An empty token begins no object (Hernandez et al.
// 2023; Sharma et al. 2024).
bool IsAnswer(const std::string& token, const std::string& object);

// Whether the model knows each fact: its most probable next token after the prompt begins the
// object (IsAnswer).
std::vector<bool> KnowsFacts(const Model& model, const Tokenizer& tokenizer,
                             const std::vector<Fact>& facts);

// Chooses facts in a random order, by default only facts that the model knows, and another subject
// for each. The other subject is drawn among facts of the same relation that are eligible too and
// that have another object. Facts without a relation's name draw from facts of the same pattern. A
// subject with as many tokens is preferred. For given options, model and data the choice depends on
// the seed alone, and a larger limit adds pairs after the same first ones. Throws Error when no
// pair can be made.
Choice ChoosePairs(const Model& model, const Tokenizer& tokenizer, const std::vector<Fact>& facts,
                   const ChoiceOptions& options);

}  // namespace mambascope
