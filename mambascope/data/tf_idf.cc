#include "mambascope/data/tf_idf.h"

#include <cmath>

#include "mambascope/tokenizer/regex.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

std::map<std::string, double> Counts(std::string_view text) {
  static const Regex kWord("[\\p{L}\\p{N}_]{2,}", "TF-IDF's words");
  const std::string lower = ToLower(text);
  std::map<std::string, double> counts;
  for (const Span& word : kWord.Matches(lower))
    ++counts[lower.substr(static_cast<size_t>(word.begin),
                          static_cast<size_t>(word.end - word.begin))];
  return counts;
}

}  // namespace

TfIdf::TfIdf(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    for (const auto& [word, count] : Counts(text)) ++idf_[word];  // number of texts with the word
  }
  for (auto& [word, value] : idf_)
    value = std::log((1 + static_cast<double>(texts.size())) / (1 + value)) + 1;
}

std::map<std::string, double> TfIdf::Vector(std::string_view text) const {
  std::map<std::string, double> vector;
  double squares = 0;
  for (const auto& [word, count] : Counts(text)) {
    if (const auto idf = idf_.find(word); idf != idf_.end()) {
      vector[word] = count * idf->second;
      squares += vector[word] * vector[word];
    }
  }
  for (auto& [word, value] : vector) value /= std::sqrt(squares);
  return vector;
}

double TfIdf::Cosine(std::string_view a, std::string_view b) const {
  const std::map<std::string, double> of_a = Vector(a), of_b = Vector(b);
  double cosine = 0;
  for (const auto& [word, value] : of_a) {
    if (const auto other = of_b.find(word); other != of_b.end()) cosine += value * other->second;
  }
  return cosine;
}

}  // namespace mambascope
