// Measures texts that an edited model generates about the subject: whether it repeats itself
// (fluency), and whether it reads like texts about the new object (consistency; Meng et al. 2022,
// section 3.4).
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
// f of the text's word n-grams (TreebankWords), or 0 without n-grams. Returns nullopt without
// texts.
std::optional<double> NgramEntropy(const std::vector<std::string>& texts);

struct TextMeasuresOptions {
  int64_t tokens = 100;  // generated after each prompt
  int64_t top_k = 5;     // tokens are drawn from the top_k most probable ones
  uint64_t seed = 0;     // of the draws, together with the record's case_id
};

struct TextMeasures {
  std::vector<std::string> texts;  // generated, each after its prompt
  // NgramEntropy of the texts; none when the record has no generation prompts.
  std::optional<double> ngram_entropy;
  // Cosine similarity of the joined texts to the snippets about target_new; none when either is
  // missing.
  std::optional<double> reference_score;
};

// Reference texts and the weights of their words. One object serves many records.
class References {
 public:
  explicit References(AttributeSnippets snippets)
      : snippets_(std::move(snippets)), tf_idf_(SnippetTexts(snippets_)) {}
  // The texts about record.target_new, joined by spaces; empty when there are none.
  std::string About(const CounterFactRecord& record) const;
  const TfIdf& tf_idf() const { return tf_idf_; }

 private:
  AttributeSnippets snippets_;
  TfIdf tf_idf_;
};

// Generates texts from all of a record's generation prompts and measures them. `references` may be
// null; then there is no reference_score.
TextMeasures MeasureTexts(const Model& model, const Tokenizer& tokenizer,
                          const CounterFactRecord& record, const References* references,
                          const TextMeasuresOptions& options = {});

}  // namespace mambascope
