#include "mambascope/experiments/lre/predictions.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>

#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/experiments/lre/jacobian.h"
#include "mambascope/model/ops.h"

namespace mambascope {

PredictionScores ScorePredictions(const Model& model, const Tokenizer& tokenizer,
                                  const at::Tensor& last,
                                  const std::vector<NextTokenPrediction>& predictions) {
  PredictionScores scores;
  std::map<int64_t, std::string> text;
  const auto says = [&](int64_t id, const std::string& object) {
    const auto [found, is_new] = text.try_emplace(id);
    if (is_new) found->second = tokenizer.DecodeToken(id).value_or("");
    return IsAnswer(found->second, object);
  };
  model.UnembedInParts(last, [&](int64_t begin, const at::Tensor& logits) {
    const auto predicted = [&](int64_t i) -> const NextTokenPrediction& {
      return predictions[static_cast<size_t>(begin + i) % predictions.size()];
    };
    std::vector<int64_t> tokens;
    for (int64_t i = 0; i < logits.size(0); ++i) tokens.push_back(predicted(i).token);
    const at::Tensor own = logits.gather(1, RowIndex(tokens, logits).unsqueeze(1)).squeeze(1);
    const at::Tensor log_p = (own - logits.logsumexp(1)).cpu().to(at::kDouble),
                     top = std::get<1>(logits.topk(3)).cpu();  // [state, 3]
    const auto ids = top.accessor<int64_t, 2>();
    const auto each_log_p = log_p.accessor<double, 1>();
    for (int64_t i = 0; i < logits.size(0); ++i) {
      const auto is_right = [&](int64_t rank) { return says(ids[i][rank], predicted(i).object); };
      scores.push_back({is_right(0), is_right(0) || is_right(1) || is_right(2), each_log_p[i]});
    }
  });
  return scores;
}

at::Tensor LastStates(const Model& model, std::vector<PromptToken> prompts) {
  for (PromptToken& prompt : prompts) prompt.token = static_cast<int64_t>(prompt.ids.size()) - 1;
  const Place top = BlockOutput(model.layers() - 1);
  return TokenStates(model, prompts, {top}).at(top);
}

PredictedSamples PredictedSamples::Select(const std::vector<int64_t>& which) const {
  PredictedSamples selected{{}, {}, {}, z.index_select(0, RowIndex(which, z))};
  for (int64_t i : which) {
    const auto at = static_cast<size_t>(i);
    selected.samples.push_back(samples[at]);
    selected.prompts.push_back(prompts[at]);
    selected.predictions.push_back(predictions[at]);
  }
  return selected;
}

PredictedSamples PredictSamples(const Model& model, const Tokenizer& tokenizer,
                                const std::vector<Sample>& samples,
                                std::vector<PromptToken> prompts) {
  PredictedSamples predicted{samples, std::move(prompts), {}, {}};
  predicted.z = LastStates(model, predicted.prompts);
  model.UnembedInParts(predicted.z, [&](int64_t begin, const at::Tensor& logits) {
    RequireFinite(logits, "a logit");
    const at::Tensor top = logits.argmax(1).cpu();
    const auto tokens = top.accessor<int64_t, 1>();
    for (int64_t i = 0; i < top.size(0); ++i) {
      const int64_t token = tokens[i];
      predicted.predictions.push_back({samples[static_cast<size_t>(begin + i)].object, token,
                                       tokenizer.DecodeToken(token).value_or("")});
    }
  });
  return predicted;
}

PredictedSamples KeepKnown(const PredictedSamples& predicted) {
  std::vector<int64_t> known;
  for (size_t i = 0; i < predicted.predictions.size(); ++i) {
    if (IsAnswer(predicted.predictions[i].text, predicted.predictions[i].object))
      known.push_back(static_cast<int64_t>(i));
  }
  const auto subject = [&](int64_t i) -> const std::string& {
    return predicted.samples[static_cast<size_t>(i)].subject;
  };
  std::stable_sort(known.begin(), known.end(),
                   [&](int64_t a, int64_t b) { return subject(a) < subject(b); });
  return predicted.Select(known);
}

}  // namespace mambascope
