#include "mambascope/experiments/editing/next_tokens.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "mambascope/experiments/editing/target_scores.h"
#include "mambascope/intervene/run.h"

namespace mambascope {
namespace {

constexpr int64_t kTopTokens = 5;
constexpr size_t kPromptsAtATime = 16;

// `p` is a distribution over the vocabulary, [vocab].
std::vector<TokenProbability> TopTokens(const Tokenizer& tokenizer, const at::Tensor& p) {
  const auto [probs, ids] = p.topk(std::min(kTopTokens, p.size(0)));
  std::vector<TokenProbability> top;
  for (int64_t i = 0; i < ids.size(0); ++i) {
    const auto id = ids[i].item<int64_t>();
    top.push_back({id, tokenizer.DecodeToken(id).value_or(""), probs[i].item<double>()});
  }
  return top;
}

}  // namespace

std::vector<NextTokens> PredictNext(const Model& model, const Tokenizer& tokenizer,
                                    const std::vector<std::vector<int64_t>>& prompts,
                                    const std::vector<int64_t>& target) {
  std::vector<NextTokens> all;
  for (size_t begin = 0; begin < prompts.size(); begin += kPromptsAtATime) {
    const size_t end = std::min(begin + kPromptsAtATime, prompts.size());
    const std::vector<std::vector<int64_t>> some(prompts.begin() + static_cast<int64_t>(begin),
                                                 prompts.begin() + static_cast<int64_t>(end));
    const at::Tensor logits = Run(model, some).LastLogits();  // [prompt, vocab]
    std::vector<Question> questions;
    for (const std::vector<int64_t>& prompt : some) questions.push_back({prompt, {target}});
    const std::vector<std::vector<TargetScore>> scores = ScoreTargets(model, questions);
    for (size_t i = 0; i < some.size(); ++i)
      all.push_back({TopTokens(tokenizer, logits[static_cast<int64_t>(i)].softmax(0)),
                     std::exp(-scores[i][0].nll * static_cast<double>(target.size())),
                     scores[i][0].AllCorrect()});
  }
  return all;
}

}  // namespace mambascope
