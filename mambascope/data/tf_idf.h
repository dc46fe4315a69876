// Measures how similar two texts are by their words. The measure is the cosine of their TF-IDF
// vectors, as scikit-learn's TfidfVectorizer computes them by default.
//
//   idf(word)    = ln((1 + n) / (1 + n_word)) + 1
//   vector(word) = count(word) idf(word), scaled so that the vector has length 1
//
//   n            number of texts that TfIdf was fitted on
//   n_word       number of these texts that contain the word
//   count(word)  how often the text contains the word
//
// A word is two or more letters, digits or underscores in a row. It is lower-cased character by
// character, without rules that depend on neighbours. Words in none of the n texts are ignored.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mambascope {

class TfIdf {
 public:
  // Fits the idf of every word to `texts`.
  explicit TfIdf(const std::vector<std::string>& texts);
  // Returns 0 if `a` or `b` has no word of the fitted texts.
  double Cosine(std::string_view a, std::string_view b) const;
  // REQUIRES: one of the fitted texts has the word
  double Idf(const std::string& word) const { return idf_.at(word); }

 private:
  std::map<std::string, double> Vector(std::string_view text) const;

  std::map<std::string, double> idf_;
};

}  // namespace mambascope
