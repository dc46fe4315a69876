#include "mambascope/experiments/editing/target_scores.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "mambascope/error.h"

namespace mambascope {
namespace {

// Scores of predicted tokens, each from one row of the last block's output.
struct Predictions {
  std::vector<double> nll;
  std::vector<bool> correct;
};

// Scores tokens[i] as the next token after row rows[i] of h [row, d_model].
Predictions Predict(const Model& model, const at::Tensor& h, const std::vector<int64_t>& rows,
                    const std::vector<int64_t>& tokens) {
  std::vector<size_t> order(rows.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return rows[a] < rows[b]; });
  Predictions out{std::vector<double>(rows.size()), std::vector<bool>(rows.size())};
  auto next = order.begin();
  model.UnembedInParts(h, [&](int64_t begin, const at::Tensor& logits) {
    const int64_t end = begin + logits.size(0);
    const auto last = std::find_if(next, order.end(), [&](size_t i) { return rows[i] >= end; });
    std::vector<int64_t> row, token;
    for (auto i = next; i != last; ++i) {
      row.push_back(rows[*i] - begin);
      token.push_back(tokens[*i]);
    }
    const at::Tensor log_p = logits.log_softmax(1), at = RowIndex(row, h), ids = RowIndex(token, h);
    const at::Tensor nll = (-log_p.index({at, ids})).to(at::kCPU, at::kDouble),
                     correct = (log_p.argmax(1).index({at}) == ids).cpu();
    const auto n = nll.accessor<double, 1>();
    const auto c = correct.accessor<bool, 1>();
    for (int64_t i = 0; next != last; ++next, ++i) {
      out.nll[*next] = n[i];
      out.correct[*next] = c[i];
    }
  });
  return out;
}

void Check(const Model& model, const std::vector<Question>& questions) {
  for (size_t i = 0; i < questions.size(); ++i) {
    if (questions[i].prompt.empty())
      throw Error(fmt::format("prompt {} is empty", i), "it needs at least one token");
    for (const std::vector<int64_t>& target : questions[i].targets) {
      if (target.empty())
        throw Error(fmt::format("a target of prompt {} is empty", i),
                    "it needs at least one token");
      const int64_t vocab = model.config().vocab;
      if (target.back() < 0 || target.back() >= vocab)  // embedding checks the other tokens
        throw Error(fmt::format("token id {} is outside the model's vocabulary of {}",
                                target.back(), vocab));
    }
  }
}

std::vector<int64_t> Ids(const std::vector<Token>& tokens, const std::string& text,
                         const std::string& what) {
  if (tokens.empty()) throw Error(fmt::format("{} '{}' has no tokens", what, text));
  return TokenIds(tokens);
}

}  // namespace

bool TargetScore::AllCorrect() const {
  return std::all_of(correct.begin(), correct.end(), [](bool c) { return c; });
}

double TargetScore::Accuracy() const {
  return static_cast<double>(std::count(correct.begin(), correct.end(), true)) /
         static_cast<double>(correct.size());
}

std::vector<int64_t> EncodePrompt(const Tokenizer& tokenizer, const std::string& text,
                                  const std::string& what) {
  return Ids(tokenizer.Encode(text), text, what);
}

std::vector<int64_t> EncodeTarget(const Tokenizer& tokenizer, const std::string& text,
                                  const std::string& what) {
  return Ids(tokenizer.EncodeAnswer(text), text, what);
}

std::vector<std::vector<TargetScore>> ScoreTargets(const Model& model,
                                                   const std::vector<Question>& questions,
                                                   const SharedForwardOptions& options) {
  c10::NoGradGuard no_grad;
  Check(model, questions);
  std::vector<std::vector<int64_t>> sequences;  // a prompt and its target without the last token
  std::vector<SequenceToken> before;            // the position before each target token
  std::vector<int64_t> tokens;                  // the target tokens
  for (const Question& question : questions) {
    for (const std::vector<int64_t>& target : question.targets) {
      const auto length = static_cast<int64_t>(question.prompt.size());
      for (size_t i = 0; i < target.size(); ++i) {
        before.push_back({sequences.size(), length - 1 + static_cast<int64_t>(i)});
        tokens.push_back(target[i]);
      }
      sequences.push_back(question.prompt);
      sequences.back().insert(sequences.back().end(), target.begin(), target.end() - 1);
    }
  }
  std::vector<std::vector<TargetScore>> scores(questions.size());
  if (sequences.empty()) return scores;
  const SharedForwardResult forward = ForwardShared(model, sequences, before, options);
  const Predictions predictions = Predict(model, forward.h, forward.row, tokens);
  auto nll = predictions.nll.begin();
  auto correct = predictions.correct.begin();
  for (size_t q = 0; q < questions.size(); ++q) {
    for (const std::vector<int64_t>& target : questions[q].targets) {
      const auto length = static_cast<int64_t>(target.size());
      TargetScore score{
          .nll = std::accumulate(nll, nll + length, 0.0) / static_cast<double>(length),
          .correct = {correct, correct + length}};
      if (!std::isfinite(score.nll))
        throw Error(fmt::format("the score of a target of prompt {} is not a number", q),
                    "the checkpoint's weights may be damaged, or of a type that overflows");
      scores[q].push_back(std::move(score));
      nll += length;
      correct += length;
    }
  }
  return scores;
}

std::vector<double> Perplexities(const Model& model,
                                 const std::vector<std::vector<int64_t>>& texts) {
  std::vector<Question> questions;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() < 2)
      throw Error(fmt::format("text {} has fewer than two tokens", i),
                  "the perplexity is computed from the second token on");
    questions.push_back({{texts[i].front()}, {{texts[i].begin() + 1, texts[i].end()}}});
  }
  std::vector<double> perplexities;
  for (const std::vector<TargetScore>& score : ScoreTargets(model, questions))
    perplexities.push_back(std::exp(score.front().nll));
  return perplexities;
}

}  // namespace mambascope
