// A text as words, as the Penn Treebank writes them: what the n-gram entropy of generated texts
// counts.
//
// The rules are the Treebank's published ones (MacIntyre's description of its tokenisation):
// punctuation and brackets are words of their own; a comma or a colon is not split from a digit
// that follows; "..." and "--" are words; double quotes become `` and ''; n't, 'll, 're, 've, 's,
// 'm, 'd are split off, and cannot, gonna, gotta, gimme, lemme, wanna, d'ye, more'n, 'tis, 'twas
// are two words. As in nltk's word_tokenize, typographic quotes are words of their own, and a
// period is one at the end of a sentence.
//
// Left out of nltk's: its trained sentence splitter (here a sentence ends at a period before white
// space and anything but a lower-case ASCII letter, or at the text's end, unless the period ends an
// initial such as "J."), and the splitting of a quote before a word of one letter.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mambascope {

// The lower-case letter of an ASCII letter; any other character as it is.
inline char AsciiLower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// REQUIRES: `text` is UTF-8
std::vector<std::string> TreebankWords(std::string_view text);

}  // namespace mambascope
