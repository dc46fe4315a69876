// How alike two texts are by their words: the cosine of their TF-IDF vectors, as scikit-learn's
// TfidfVectorizer makes them by default.
//
//   word         two or more letters, digits or underscores in a row, in lower case (each letter's
//   own: no rule that looks at its neighbours) idf(word)  = ln((1 + n) / (1 + texts that have the
//   word)) + 1, of the n texts that it was fitted on vector     = count(word) idf(word), of length
//   1; words that those texts lack are left out
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mambascope {

class TfIdf {
 public:
  explicit TfIdf(const std::vector<std::string>& texts);
  // 0 where one of the texts has none of the words.
  double Cosine(std::string_view a, std::string_view b) const;
  // REQUIRES: the texts had the word
  double Idf(const std::string& word) const { return idf_.at(word); }

 private:
  std::map<std::string, double> Vector(std::string_view text) const;

  std::map<std::string, double> idf_;
};

}  // namespace mambascope
