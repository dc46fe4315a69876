#include "mambascope/data/words.h"

#include <algorithm>
#include <array>
#include <utility>

#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

using std::string_view;

// Texts without white space that are two words, and the offset of the second word.
constexpr std::pair<string_view, size_t> kTwoWords[] = {
    {"cannot", 3}, {"gimme", 3}, {"gonna", 3},  {"gotta", 3}, {"lemme", 3},
    {"wanna", 3},  {"d'ye", 2},  {"more'n", 4}, {"'tis", 2},  {"'twas", 2}};
constexpr string_view kEndings[] = {"n't", "'ll", "'re", "'ve", "'s", "'m", "'d"};
constexpr string_view kQuotes[] = {"“", "”", "«", "»", "‘", "’", "„"};

bool IsOneOf(string_view set, char c) { return set.find(c) != set.npos; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }

// Splits a text at white space.
std::vector<string_view> Runs(string_view text) {
  std::vector<string_view> runs;
  size_t begin = 0, at = 0;
  const auto end_run = [&] {
    if (at > begin) runs.push_back(text.substr(begin, at - begin));
  };
  while (at < text.size()) {
    const Utf8Char c = FirstChar(text.substr(at));
    if (IsWhiteSpace(c.value)) {
      end_run();
      begin = at + c.size;
    }
    at += c.size;
  }
  end_run();
  return runs;
}

// Returns whether the period at run[at] is a word, because it ends a sentence. `next` is the next
// run, empty at the end of the text.
bool EndsSentence(string_view run, size_t at, string_view next) {
  if (run.find_first_not_of("])}>\"'", at + 1) != run.npos || (at > 0 && run[at - 1] == '.'))
    return false;
  const bool initial = run.size() == 2 && at == 1 && IsLower(AsciiLower(run[0]));
  return next.empty() || !(IsLower(next[0]) || initial);
}

// Returns the length of the punctuation mark at run[at] that is a word; 0 if there is none.
size_t MarkAt(string_view run, size_t at, string_view next) {
  const string_view rest = run.substr(at);
  const char c = rest[0];
  if (rest.starts_with("...")) return 3;
  if (rest.starts_with("--")) return 2;
  if (IsOneOf(";@#$%&?!()[]{}<>\"", c)) return 1;
  if (IsOneOf(",:", c)) return rest.size() > 1 && IsOneOf("0123456789", rest[1]) ? 0 : 1;
  if (c == '`') return std::min(rest.find_first_not_of('`'), rest.size());
  if (c == '.') return EndsSentence(run, at, next) ? 1 : 0;
  const auto quote = std::find_if(std::begin(kQuotes), std::end(kQuotes),
                                  [&](string_view q) { return rest.starts_with(q); });
  return quote == std::end(kQuotes) ? 0 : quote->size();
}

// Adds a run of characters without marks: one word, or the two words that it consists of.
void AddWord(string_view word, std::vector<std::string>& words) {
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(), AsciiLower);
  size_t second = word.size();
  for (string_view ending : kEndings) {
    if (lower.size() > ending.size() && lower.ends_with(ending))
      second = word.size() - ending.size();
  }
  if (word.size() > 1 && word.back() == '\'' && word[word.size() - 2] != '\'')
    second = word.size() - 1;
  for (const auto& [whole, begin] : kTwoWords) {
    if (lower == whole) second = begin;
  }
  words.emplace_back(word.substr(0, second));
  if (second < word.size()) words.emplace_back(word.substr(second));
}

void SplitRun(string_view run, string_view next, std::vector<std::string>& words) {
  size_t begin = 0, at = 0;  // start of the current word, and the next character
  const auto end_word = [&] {
    if (at > begin) AddWord(run.substr(begin, at - begin), words);
  };
  while (at < run.size()) {
    const size_t mark = MarkAt(run, at, next);
    if (mark == 0) {
      ++at;
      continue;
    }
    end_word();
    const bool opens = at == 0 || IsOneOf("([{<", run[at - 1]);
    words.emplace_back(run[at] != '"' ? run.substr(at, mark) : opens ? "``" : "''");
    begin = at += mark;
  }
  end_word();
}

}  // namespace

std::vector<std::string> TreebankWords(string_view text) {
  const std::vector<string_view> runs = Runs(text);
  std::vector<std::string> words;
  for (size_t i = 0; i < runs.size(); ++i)
    SplitRun(runs[i], i + 1 < runs.size() ? runs[i + 1] : string_view(), words);
  return words;
}

}  // namespace mambascope
