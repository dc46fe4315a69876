// This file measures what an edited model writes of the subject: whether it repeats itself, and
// whether it reads like texts about the new object (Meng et al. 2022, section 3.4: fluency,
// consistency).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/data/attribute_snippets.h"
#include "mambascope/data/counterfact.h"
#include "mambascope/data/tf_idf.h"
#include "mambascope/model/model.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

// The mean over texts of (2/3 H2 + 4/3 H3) / 2, in bits. Hn = -sum of f log2 f over the frequencies
// f of the text's n-grams of words (TreebankWords); 0 of a text without any. None of no texts.
std::optional<double> NgramEntropy(const std::vector<std::string>& texts);

struct TextMeasuresOptions {
  int64_t tokens = 100;  // to generate after each prompt
  int64_t top_k = 5;     // drawn from
  uint64_t seed = 0;     // of the draws, with the record's case_id
};

struct TextMeasures {
  std::vector<std::string> texts;  // generated, each with its prompt before it
  std::optional<double>
      ngram_entropy;  // NgramEntropy of them; none where the record has no generation prompts
  std::optional<double> reference_score;  // Cosine of them, joined, and the snippets about
                                          // target_new; none where there are none of either
};

// What reference texts say, and how their words are weighed: made once for many records.
class References {
 public:
  explicit References(AttributeSnippets snippets)
      : snippets_(std::move(snippets)), tf_idf_(SnippetTexts(snippets_)) {}
  // The texts about record.target_new, joined by spaces; empty where there are none.
  std::string About(const CounterFactRecord& record) const;
  const TfIdf& tf_idf() const { return tf_idf_; }

 private:
  AttributeSnippets snippets_;
  TfIdf tf_idf_;
};

// Generates from all of a record's generation prompts, and measures. Without `references` there is
// no reference_score.
TextMeasures MeasureTexts(const Model& model, const Tokenizer& tokenizer,
                          const CounterFactRecord& record, const References* references,
                          const TextMeasuresOptions& options = {});

}  // namespace mambascope
