#include "mambascope/experiments/editing/text_measures.h"

#include <fmt/ranges.h>

#include <cmath>
#include <map>

#include "mambascope/data/words.h"
#include "mambascope/experiments/editing/target_scores.h"
#include "mambascope/experiments/statistics.h"
#include "mambascope/model/generate.h"

namespace mambascope {
namespace {

// Hn of NgramEntropy, in bits.
double Entropy(const std::vector<std::string>& words, size_t n) {
  std::map<std::vector<std::string>, double> counts;
  double total = 0;
  for (auto begin = words.begin(); words.end() - begin >= static_cast<std::ptrdiff_t>(n);
       ++begin, ++total)
    ++counts[{begin, begin + static_cast<std::ptrdiff_t>(n)}];
  double bits = 0;
  for (const auto& [ngram, count] : counts) bits -= count / total * std::log2(count / total);
  return bits;
}

std::string Join(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, " "));
}

std::vector<std::string> Write(const Model& model, const Tokenizer& tokenizer,
                               const CounterFactRecord& record,
                               const TextMeasuresOptions& options) {
  std::vector<std::vector<int64_t>> prompts;
  for (const std::string& text : record.generation_prompts)
    prompts.push_back(EncodePrompt(
        tokenizer, text, fmt::format("a generation prompt of case_id {}", record.case_id)));
  const uint64_t seed =
      options.seed ^ (0xd1342543de82ef95ULL * static_cast<uint64_t>(record.case_id));
  const std::vector<std::vector<int64_t>> more =
      Generate(model, prompts, {.tokens = options.tokens, .top_k = options.top_k, .seed = seed});
  std::vector<std::string> texts;
  for (size_t i = 0; i < prompts.size(); ++i)
    texts.push_back(record.generation_prompts[i] + tokenizer.DecodeContinuation(more[i]));
  return texts;
}

}  // namespace

std::optional<double> NgramEntropy(const std::vector<std::string>& texts) {
  if (texts.empty()) return std::nullopt;
  std::vector<double> bits;
  for (const std::string& text : texts) {
    const std::vector<std::string> words = TreebankWords(text);
    bits.push_back((2.0 / 3 * Entropy(words, 2) + 4.0 / 3 * Entropy(words, 3)) / 2);
  }
  return Mean(bits);
}

std::string References::About(const CounterFactRecord& record) const {
  const auto found = snippets_.find({record.relation, record.target_new_id});
  if (found == snippets_.end()) return "";
  std::vector<std::string> texts;
  for (const Snippet& snippet : found->second) texts.push_back(snippet.text);
  return Join(texts);
}

TextMeasures MeasureTexts(const Model& model, const Tokenizer& tokenizer,
                          const CounterFactRecord& record, const References* references,
                          const TextMeasuresOptions& options) {
  TextMeasures measures{.texts = Write(model, tokenizer, record, options),
                        .ngram_entropy = {},
                        .reference_score = {}};
  measures.ngram_entropy = NgramEntropy(measures.texts);
  if (references == nullptr) return measures;
  const std::string about = references->About(record);
  if (!about.empty() && !measures.texts.empty())
    measures.reference_score = references->tf_idf().Cosine(Join(measures.texts), about);
  return measures;
}

}  // namespace mambascope
