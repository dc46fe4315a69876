// Splits a text into words as the Penn Treebank does. The n-gram entropy of generated texts counts
// these words.
//
// The rules are those that the Treebank published (MacIntyre's description of its tokenisation):
// - Punctuation marks and brackets are words. A comma or colon before a digit is not split off.
// - "..." and "--" are words. Double quotes become `` and ''.
// - n't, 'll, 're, 've, 's, 'm and 'd are split off.
// - cannot, gonna, gotta, gimme, lemme, wanna, d'ye, more'n, 'tis and 'twas are two words.
// Two rules are those of nltk's word_tokenize: typographic quotes are words, and a period at the
// end of a sentence is a word.
//
// Two parts of nltk's word_tokenize are missing:
// - Its trained sentence splitter. Here a sentence ends at a period at the end of the text, or
//   before white space that no lower-case ASCII letter follows. Only at the end of the text does
//   the period of an initial such as "J." end a sentence.
// - The splitting of a quote before a word of one letter.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mambascope {

// Lower-cases an ASCII letter. Returns any other character unchanged.
inline char AsciiLower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Returns the words of `text`. REQUIRES: `text` is UTF-8
std::vector<std::string> TreebankWords(std::string_view text);

}  // namespace mambascope
