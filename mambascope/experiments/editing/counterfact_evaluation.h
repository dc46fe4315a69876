// The CounterFact evaluation of a model, edited or not: what became of a fact that was rewritten
// from target_true to target_new (Meng et al. 2022, section 3.4; Sharma et al. 2024, section 4 and
// Figure 6).
//
// Every prompt is scored for both targets. With nll the mean over a target's tokens of -log p, in
// nats:
//   success    E, P: nll(target_true) > nll(target_new); N: nll(target_true) < nll(target_new); a
//   tie fails magnitude  E, P: exp(-nll(target_new)) - exp(-nll(target_true)); N: the other way
//   round accuracy   E, P: all tokens of target_new are the most probable ones; N: of target_true
// A record's numbers are means over its prompts of a kind, and the table's are means over records.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "mambascope/data/counterfact.h"
#include "mambascope/experiments/editing/target_scores.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

// E, P, N; attribute prompts ask of other subjects, of which target_new is true, and are measured
// as E is.
enum class PromptKind { kRewrite, kParaphrase, kNeighborhood, kAttribute };

struct PromptScore {
  TargetScore target_new;
  std::optional<TargetScore> target_true;  // of a neighborhood prompt, its own true answer
};

// Of one record: of each kind of prompts that was asked for and that it has. No kind is empty.
using RecordScores = std::map<PromptKind, std::vector<PromptScore>>;

struct EditEvaluationOptions {
  std::vector<PromptKind> kinds = {PromptKind::kRewrite, PromptKind::kParaphrase,
                                   PromptKind::kNeighborhood};
  SharedForwardOptions forward = {};
};

// The scores of every record. The prompts of all records go up together (see ScoreTargets). Targets
// are continuations with a space before them, tokenised apart from the prompt. Throws Error, which
// names the record, for a target or a prompt without tokens; and as ScoreTargets does.
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
