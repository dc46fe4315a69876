#include "mambascope/experiments/lre/predictions.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>

#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/experiments/lre/jacobian.h"

namespace mambascope {
namespace {

// Calls use(begin, logits [some, vocab]) of as many of the states at a time as fit.
template <typename Use>
void ForLogits(const Model& model, const at::Tensor& last, const Use& use) {
  for (int64_t begin = 0; begin < last.size(0); begin += model.rows_to_unembed())
    use(begin, model.Unembed(last.narrow(0, begin, std::min(model.rows_to_unembed(), last.size(0) - begin))));
}

}  // namespace

PredictionScores ScorePredictions(const Model& model, const Tokenizer& tokenizer, const at::Tensor& last,
                                  const std::vector<NextTokenPrediction>& predictions) {
  PredictionScores scores;
  std::map<int64_t, std::string> text;
  const auto says = [&](int64_t id, const std::string& object) {
    const auto [found, is_new] = text.try_emplace(id);
    if (is_new) found->second = tokenizer.DecodeToken(id).value_or("");
    return IsAnswer(found->second, object);
  };
  ForLogits(model, last, [&](int64_t begin, const at::Tensor& logits) {
    const auto predicted = [&](int64_t i) -> const NextTokenPrediction& {
      return predictions[static_cast<size_t>(begin + i) % predictions.size()];
    };
    std::vector<int64_t> tokens;
    for (int64_t i = 0; i < logits.size(0); ++i) tokens.push_back(predicted(i).token);
    const at::Tensor own = logits.gather(1, RowIndex(tokens, logits).unsqueeze(1)).squeeze(1);
    const at::Tensor log_p = (own - logits.logsumexp(1)).cpu().to(at::kDouble), top = std::get<1>(logits.topk(3)).cpu();  // [state, 3]
    for (int64_t i = 0; i < logits.size(0); ++i) {
      const int64_t* ids = top.data_ptr<int64_t>() + 3 * i;
      const auto is_right = [&](int64_t id) { return says(id, predicted(i).object); };
      scores.push_back({is_right(ids[0]), std::any_of(ids, ids + 3, is_right), log_p.data_ptr<double>()[i]});
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

PredictedSamples PredictSamples(const Model& model, const Tokenizer& tokenizer, const std::vector<Sample>& samples,
                                std::vector<PromptToken> prompts) {
  PredictedSamples predicted{samples, std::move(prompts), {}, {}};
  predicted.z = LastStates(model, predicted.prompts);
  ForLogits(model, predicted.z, [&](int64_t begin, const at::Tensor& logits) {
    const at::Tensor top = logits.argmax(1).cpu();
    for (int64_t i = 0; i < top.size(0); ++i) {
      const int64_t token = top.data_ptr<int64_t>()[i];
      predicted.predictions.push_back({samples[static_cast<size_t>(begin + i)].object, token, tokenizer.DecodeToken(token).value_or("")});
    }
  });
  return predicted;
}

PredictedSamples KeepKnown(const PredictedSamples& predicted) {
  std::vector<int64_t> known;
  for (size_t i = 0; i < predicted.predictions.size(); ++i) {
    if (IsAnswer(predicted.predictions[i].text, predicted.predictions[i].object)) known.push_back(static_cast<int64_t>(i));
  }
  const auto subject = [&](int64_t i) -> const std::string& { return predicted.samples[static_cast<size_t>(i)].subject; };
  std::stable_sort(known.begin(), known.end(), [&](int64_t a, int64_t b) { return subject(a) < subject(b); });
  return predicted.Select(known);
}

}  // namespace mambascope
