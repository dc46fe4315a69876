// What an edit is judged by, by the kinds of prompts that a record has: the measures of CounterFact (Meng et al. 2022, section 3.4; Sharma
// et al. 2024, section 4) and of zsRE (Meng et al. 2022, section 3.3). A `Value` is a record's number, or what is known of many records'.
#pragma once

#include <array>
#include <optional>
#include <string>

namespace mambascope {

// The data set that the measured records are of.
enum class EditBenchmark { kCounterFact, kZsre };

// Of prompts of one kind. CounterFact has the first three, zsRE the last two.
template <typename Value>
struct KindMeasures {
  Value success = {};         // share of prompts at which the wanted object is the more probable one of two
  Value magnitude = {};       // difference of the two objects' probabilities per token, from -1 to 1
  Value accuracy = {};        // share of prompts at which all of the target's tokens are the most probable ones
  Value token_accuracy = {};  // share of the target's tokens that are the most probable ones
};

// Of what the model writes about the subject.
template <typename Value>
struct GeneratedTextMeasures {
  Value entropy = {};    // of n-grams, in bits
  Value reference = {};  // cosine of texts about the new object
};

template <typename Value>
struct EditMeasures {
  EditBenchmark benchmark = EditBenchmark::kCounterFact;
  KindMeasures<Value> rewrite = {}, paraphrase = {}, neighborhood = {};
  std::optional<GeneratedTextMeasures<Value>> texts = {};  // none: nothing was generated
};

// A record's scores. One has no value where the record lacks prompts of its kind.
using EditScores = EditMeasures<std::optional<double>>;

// How result files and tables name a measure, and what bounds it.
struct MeasureName {
  std::string key;  // ES, PS and NS: success; ED ..: magnitude; EA ..: accuracy; rewrite_acc, paraphrase_acc ..: token accuracy
  enum class Kind { kShare, kDifference } kind = Kind::kShare;
};

// Calls use(MeasureName, value) for every measure that the benchmark has but those of texts.
template <typename Measures, typename Use>
void ForEachMeasure(Measures& measures, const Use& use) {
  const auto of_kind = [&](const std::string& letter, const std::string& name, auto& kind) {
    if (measures.benchmark == EditBenchmark::kCounterFact) {
      use(MeasureName{letter + "S"}, kind.success);
      use(MeasureName{letter + "D", MeasureName::Kind::kDifference}, kind.magnitude);
    } else {
      use(MeasureName{name + "_acc"}, kind.token_accuracy);
    }
    use(MeasureName{letter + "A"}, kind.accuracy);
  };
  of_kind("E", "rewrite", measures.rewrite);
  of_kind("P", "paraphrase", measures.paraphrase);
  of_kind("N", "neighborhood", measures.neighborhood);
}

// The shares of rewrite, paraphrase and neighborhood whose harmonic mean is the score S.
template <typename Value>
std::array<Value, 3> ScoreParts(const EditMeasures<Value>& measures) {
  const auto part = measures.benchmark == EditBenchmark::kCounterFact ? &KindMeasures<Value>::success : &KindMeasures<Value>::token_accuracy;
  return {measures.rewrite.*part, measures.paraphrase.*part, measures.neighborhood.*part};
}

}  // namespace mambascope
