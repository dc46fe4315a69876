#include "mambascope/experiments/facts/traced_fact.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mambascope/data/random.h"
#include "mambascope/error.h"
#include "mambascope/model/threads.h"

namespace mambascope {
namespace {

void CheckSubject(const Prompt& prompt) {
  if (prompt.subject_span.begin == prompt.subject_span.end)
    throw Error(fmt::format("the prompt '{}' has no subject to trace", prompt.text));
}

// Returns the corrupted runs of a fact that is corrupted by noise.
std::vector<SweepBase> NoisyRuns(const Prompt& clean, const Noise& noise, int64_t width) {
  NumpyNormal normal(noise.seed);
  std::vector<SweepBase> runs;
  for (int sample = 0; sample < noise.samples; ++sample) {
    SweepBase run{.ids = clean.ids};
    for (int64_t t = clean.subject_span.begin; t < clean.subject_span.end; ++t) {
      std::vector<float> delta(static_cast<size_t>(width));
      for (float& d : delta) d = static_cast<float>(normal() * noise.std);
      run.variant.push_back(Add{{Site::kEmbed, kEmbedLayer, t}, at::tensor(delta)});
    }
    runs.push_back(std::move(run));
  }
  return runs;
}

// The other answer of each pair: the one that is given, or the most probable token after the
// prompt with another subject.
std::vector<std::optional<int64_t>> OtherAnswers(const Model& model,
                                                 const std::vector<FactPair>& pairs,
                                                 std::optional<int64_t> memory) {
  std::vector<std::vector<int64_t>> open;
  for (const FactPair& pair : pairs) {
    if (!pair.other_answer_id && pair.corrupt) open.push_back(pair.corrupt->ids);
  }
  const at::Tensor top = open.empty()
                             ? at::Tensor()
                             : Run(model, open, {.memory = memory}).LastLogits().argmax(1).cpu();
  std::vector<std::optional<int64_t>> others;
  int64_t next = 0;
  for (const FactPair& pair : pairs) {
    others.push_back(pair.other_answer_id);
    if (!pair.other_answer_id && pair.corrupt) others.back() = top[next++].item<int64_t>();
  }
  return others;
}

void CheckAnswer(const Model& model, int64_t answer) {
  const int64_t vocab = model.config().vocab;
  if (answer < 0 || answer >= vocab)
    throw Error(fmt::format("the answer's token id {} is outside the model's vocabulary of {}",
                            answer, vocab));
}

}  // namespace

double EmbeddingStd(const Model& model, const Tokenizer& tokenizer,
                    const std::vector<std::string>& subjects) {
  const OneThread one_thread;
  int64_t count = 0;
  double sum = 0, squares = 0;
  for (const std::string& subject : subjects) {
    std::vector<int64_t> ids;
    for (const Token& token : tokenizer.EncodeBare(subject)) ids.push_back(token.id);
    if (ids.empty()) continue;
    const at::Tensor embedded =
        model.Embed(ids, Packing::Whole({static_cast<int64_t>(ids.size())})).to(at::kDouble);
    count += embedded.numel();
    sum += embedded.sum().item<double>();
    squares += embedded.square().sum().item<double>();
  }
  if (count < 2) throw Error("the scale of the noise cannot be computed: no subject has a token");
  const auto n = static_cast<double>(count);
  return std::sqrt((squares - sum * sum / n) / (n - 1));
}

std::vector<std::optional<int64_t>> AlignTokens(const Prompt& clean, const Prompt& corrupt) {
  std::vector<std::optional<int64_t>> counterpart;
  const Span a = clean.subject_span, b = corrupt.subject_span;
  for (int64_t t = 0; t < static_cast<int64_t>(clean.ids.size()); ++t) {
    const int64_t from_end = t - a.end + b.end;
    const bool exists =
        t < a.begin ? t < b.begin
                    : from_end >= b.begin && from_end < static_cast<int64_t>(corrupt.ids.size());
    counterpart.push_back(exists ? std::optional(t < a.begin ? t : from_end) : std::nullopt);
  }
  return counterpart;
}

std::optional<EffectScale> ScaleOf(const TracedFact& fact, Metric metric) {
  if (metric == Metric::kProbability)
    return Effect(fact) < kGuard ? std::nullopt
                                 : std::optional(EffectScale{fact.p_corrupt, Effect(fact)});
  if (!fact.logit_diff_clean || !fact.logit_diff_corrupt) return std::nullopt;
  const double effect = *fact.logit_diff_clean - *fact.logit_diff_corrupt;
  return effect < kLogitGuard ? std::nullopt
                              : std::optional(EffectScale{*fact.logit_diff_corrupt, effect});
}

size_t FactCases::Add(size_t fact, const Variant& variant) {
  const TracedFact& f = runs_.facts[fact];
  for (size_t s = 0; s < runs_.samples; ++s) {
    cases_.push_back({fact * runs_.samples + s, variant});
    answers_.push_back(f.answer_id);
    others_.push_back(f.other_answer_id.value_or(f.answer_id));
  }
  facts_.push_back(fact);
  return facts_.size() - 1;
}

VariantMeans FactCases::MeansOf(size_t variant, std::span<const AnswerCell> samples) const {
  double p = 0, difference = 0;
  for (const AnswerCell& cell : samples) {
    p += cell.p;
    difference += cell.logit_diff;
  }
  const auto count = static_cast<double>(samples.size());
  VariantMeans means{.p = p / count};
  if (runs_.facts[facts_[variant]].other_answer_id) means.logit_diff = difference / count;
  return means;
}

std::vector<VariantMeans> FactCases::Compute(
    const Model& model, CellOptions options, Audit& audit,
    const std::function<void(const PartialMeans&)>& partial) const {
  if (partial)
    options.partial = [&](const std::vector<std::optional<AnswerCell>>& cells) {
      PartialMeans means(facts_.size());
      for (size_t v = 0; v < facts_.size(); ++v) {
        std::vector<AnswerCell> samples;
        for (size_t s = 0; s < runs_.samples; ++s) {
          if (const auto& cell = cells[v * runs_.samples + s]) samples.push_back(*cell);
        }
        if (samples.size() == runs_.samples) means[v] = MeansOf(v, samples);
      }
      partial(means);
    };
  const std::vector<AnswerCell> each =
      AnswerCells(model, runs_.corrupt, cases_, answers_, options, audit, others_);
  std::vector<VariantMeans> means;
  for (size_t v = 0; v < facts_.size(); ++v)
    means.push_back(MeansOf(v, std::span(each).subspan(v * runs_.samples, runs_.samples)));
  return means;
}

FactRuns RunFacts(const Model& model, const std::vector<FactPair>& pairs,
                  const std::vector<Place>& keep, const std::optional<Noise>& noise,
                  std::optional<int64_t> memory) {
  FactRuns runs;
  std::vector<std::vector<int64_t>> prompts;
  for (const FactPair& pair : pairs) {
    CheckSubject(pair.clean);
    prompts.push_back(pair.clean.ids);
    if (pair.corrupt) {
      CheckSubject(*pair.corrupt);
      runs.corrupt.push_back({pair.corrupt->ids});
    } else {
      if (!noise)
        throw Error(
            fmt::format("the prompt '{}' has neither another subject nor noise to corrupt it",
                        pair.clean.text));
      for (SweepBase& run : NoisyRuns(pair.clean, *noise, model.config().d_model))
        runs.corrupt.push_back(std::move(run));
    }
  }
  const auto swapped = std::count_if(pairs.begin(), pairs.end(),
                                     [](const FactPair& pair) { return pair.corrupt.has_value(); });
  if (swapped != 0 && swapped != static_cast<int64_t>(pairs.size()))
    throw Error(
        "some facts are corrupted by other subjects and some by noise; all must be corrupted in "
        "the same way");
  runs.samples = runs.corrupt.size() / pairs.size();
  runs.clean = Run(model, prompts, {.variants = {}, .keep = keep, .memory = memory});
  const at::Tensor logits = runs.clean.LastLogits().cpu(), p = logits.softmax(1),
                   top = logits.argmax(1);
  const std::vector<std::optional<int64_t>> others = OtherAnswers(model, pairs, memory);
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    const int64_t answer = pairs[i].answer_id.value_or(top[row].item<int64_t>());
    CheckAnswer(model, answer);
    if (others[i]) CheckAnswer(model, *others[i]);
    if (pairs[i].other_answer_id == answer)
      throw Error("the answer and the other answer begin with the same token",
                  "name another answer to compare with");
    runs.facts.push_back({.relation = pairs[i].relation,
                          .clean = pairs[i].clean,
                          .corrupt = pairs[i].corrupt,
                          .answer_id = answer,
                          .answer = {},
                          .p_clean = p[row][answer].item<double>()});
    if (!others[i] || *others[i] == answer) continue;
    runs.facts.back().other_answer_id = others[i];
    runs.facts.back().logit_diff_clean =
        logits[row][answer].item<double>() - logits[row][*others[i]].item<double>();
  }
  return runs;
}

}  // namespace mambascope
