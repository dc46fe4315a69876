// The measures of an edit, for each kind of a record's prompts. CounterFact's measures are those of
// Meng et al. (2022, section 3.4) and Sharma et al. (2024, section 4); zsRE's are those of Meng et
// al. (2022, section 3.3).
#pragma once

#include <array>
#include <optional>
#include <string>

namespace mambascope {

// The data set that the records come from.
enum class EditBenchmark { kCounterFact, kZsre };

// Measures of the prompts of one kind. CounterFact has the first three, zsRE the last two. A
// `Value` is one record's number, or a mean over records.
template <typename Value>
struct KindMeasures {
  // Share of prompts at which the right one of the two objects is the more probable one.
  Value success = {};
  // Difference of the two objects' probabilities per token, from -1 to 1.
  Value magnitude = {};
  // Share of prompts at which all tokens of the target are the most probable ones.
  Value accuracy = {};
  // Share of the target's tokens that are the most probable ones.
  Value token_accuracy = {};
};

// Measures of texts that the model generates about the subject (text_measures.h).
template <typename Value>
struct GeneratedTextMeasures {
  Value entropy = {};    // n-gram entropy, in bits
  Value reference = {};  // cosine similarity to texts about the new object
};

template <typename Value>
struct EditMeasures {
  EditBenchmark benchmark = EditBenchmark::kCounterFact;
  KindMeasures<Value> rewrite = {}, paraphrase = {}, neighborhood = {};
  std::optional<GeneratedTextMeasures<Value>> texts = {};  // none: nothing was generated
};

// A record's score has no value where the record has no prompts of that kind.
using EditScores = EditMeasures<std::optional<double>>;

// Name of a measure. `key` names it in result files and tables: ES, PS and NS are successes, ED, PD
// and ND magnitudes, EA, PA and NA accuracies. rewrite_acc, paraphrase_acc and neighborhood_acc are
// token accuracies, named as in the public implementations of ROME.
struct MeasureName {
  std::string key;
  enum class Kind { kShare, kDifference } kind = Kind::kShare;
};

// Calls use(MeasureName, value) for every measure of the benchmark, except the measures of texts.
template <typename Measures, typename Use>
void ForEachMeasure(Measures& measures, const Use& use) {
  const auto use_kind = [&](const std::string& letter, const std::string& name, auto& kind) {
    if (measures.benchmark == EditBenchmark::kCounterFact) {
      use(MeasureName{letter + "S"}, kind.success);
      use(MeasureName{letter + "D", MeasureName::Kind::kDifference}, kind.magnitude);
    } else {
      use(MeasureName{name + "_acc"}, kind.token_accuracy);
    }
    use(MeasureName{letter + "A"}, kind.accuracy);
  };
  use_kind("E", "rewrite", measures.rewrite);
  use_kind("P", "paraphrase", measures.paraphrase);
  use_kind("N", "neighborhood", measures.neighborhood);
}

// The three shares whose harmonic mean is the score S: rewrite, paraphrase and neighborhood.
template <typename Value>
std::array<Value, 3> ScoreParts(const EditMeasures<Value>& measures) {
  const bool is_zsre = measures.benchmark == EditBenchmark::kZsre;
  const auto part = is_zsre ? &KindMeasures<Value>::token_accuracy : &KindMeasures<Value>::success;
  return {measures.rewrite.*part, measures.paraphrase.*part, measures.neighborhood.*part};
}

}  // namespace mambascope
