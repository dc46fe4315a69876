// Prompts that show what one edit does to other wordings of the fact and to other facts. A good
// edit makes the model say the target after paraphrases, and changes nothing after neighbors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/data/relation.h"
#include "mambascope/experiments/editing/next_tokens.h"
#include "mambascope/experiments/editing/rewrite.h"

namespace mambascope {

enum class CheckKind {
  kParaphrase,  // another wording about the subject
  kNeighbor,    // the same wording about another subject
  kPrompt,      // a prompt that the user gave
};
// "paraphrase", "neighbor", "prompt"
const char* CheckKindName(CheckKind kind);
// REQUIRES: it is one of these names.
CheckKind ReadCheckKind(const std::string& name);

struct CheckPrompt {
  CheckKind kind = CheckKind::kPrompt;
  std::string prompt;
  std::string object = {};  // what is true of a neighbor; empty: unknown
};

// A prompt's predictions before and after an edit.
struct EditCheck {
  CheckPrompt prompt;
  NextTokens before = {}, after = {};

  // Whether the most probable token is another one after the edit.
  bool HasChanged() const { return before.top[0].id != after.top[0].id; }
};

// The relation that a rewrite is of: one with the rewrite's pattern among its templates, preferably
// with the subject among its samples. None when no relation has the pattern.
const Relation* RelationOfPattern(const std::vector<Relation>& relations, const Rewrite& rewrite);
// All relations with the subject among their samples.
std::vector<const Relation*> RelationsOfSubject(const std::vector<Relation>& relations,
                                                const std::string& subject);

// Makes up to 10 paraphrases and 10 neighbors, drawn with the seed. Paraphrases are the relation's
// other templates with the subject. Neighbors are the rewrite's pattern with other subjects: up to
// 5 of the subject's own object (more where there are few others), and the rest of other objects.
std::vector<CheckPrompt> MakeCheckPrompts(const Relation& relation, const Rewrite& rewrite,
                                          uint64_t seed);

// Predicts what follows each prompt before and after an edit. `target` holds the target's ids.
// Throws Error, which names the prompt, for a prompt without tokens.
std::vector<EditCheck> CheckPrompts(const Model& before, const Model& after,
                                    const Tokenizer& tokenizer,
                                    const std::vector<CheckPrompt>& prompts,
                                    const std::vector<int64_t>& target);

// A sentence that names the neighbors that say the target only since the edit. None when there are
// none.
std::optional<std::string> NeighborWarning(const std::vector<EditCheck>& checks);

}  // namespace mambascope
