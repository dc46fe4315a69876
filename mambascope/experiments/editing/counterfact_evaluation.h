// Evaluates a model, edited or not, on CounterFact: how it stands towards a fact that was rewritten
// from target_true to target_new (Meng et al. 2022, section 3.4; Sharma et al. 2024, section 4 and
// Figure 6).
//
// Every prompt is scored for both targets. nll is the mean of -log p over a target's tokens, in
// nats. E, P and N are the kinds of prompts (PromptKind).
//   success    E, P: nll(target_true) > nll(target_new); N: nll(target_true) < nll(target_new).
//              A tie fails.
//   magnitude  E, P: exp(-nll(target_new)) - exp(-nll(target_true)); N: with the opposite sign.
//   accuracy   E, P: all tokens of target_new are the most probable ones; N: those of target_true.
// A record's numbers are means over its prompts of a kind. The table's numbers are means over
// records.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "mambascope/data/counterfact.h"
#include "mambascope/experiments/editing/target_scores.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

// The kinds E, P, N, and attribute prompts. Attribute prompts ask about other subjects, of which
// target_new is true; they are measured as E is.
enum class PromptKind { kRewrite, kParaphrase, kNeighborhood, kAttribute };

struct PromptScore {
  TargetScore target_new;
  std::optional<TargetScore> target_true;  // of a neighborhood prompt, its own true answer
};

// Scores of one record, by kind of prompt. It has the kinds that were asked for and that the record
// has; no kind is empty.
using RecordScores = std::map<PromptKind, std::vector<PromptScore>>;

struct EditEvaluationOptions {
  std::vector<PromptKind> kinds = {PromptKind::kRewrite, PromptKind::kParaphrase,
                                   PromptKind::kNeighborhood};
  SharedForwardOptions forward = {};
};

// Returns the scores of every record. The prompts of all records run together (ScoreTargets).
// Targets are continuations that begin with a space, and are tokenised apart from the prompt.
// Throws Error, which names the record, for a target or a prompt without tokens. Throws Error when
// ScoreTargets does.
std::vector<RecordScores> EvaluateRecords(const Model& model, const Tokenizer& tokenizer,
                                          const std::vector<CounterFactRecord>& records,
                                          const EditEvaluationOptions& options = {});

// Means over a record's prompts of one kind.
struct Measures {
  // The share of prompts, and the difference of probabilities per token (geometric means). Without
  // a true answer there are none.
  std::optional<double> success = {}, magnitude = {};
  double accuracy = 0;  // share of prompts
};

// REQUIRES: !prompts.empty(), and each neighborhood prompt has its true answer
Measures AveragePrompts(const std::vector<PromptScore>& prompts, PromptKind kind);

}  // namespace mambascope
