#include "mambascope/cli/prompt_warnings.h"

#include <fmt/format.h>

#include "mambascope/data/prompt.h"
#include "mambascope/error.h"
#include "mambascope/figures/label.h"
#include "mambascope/plural.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {

void WarnOfSubject(const CommonArguments& common, const std::string& prompt,
                   const std::string& subject) {
  WarnOfSpace(common, "the subject", subject);
  const std::vector<SubjectPlace> places = FindSubject(prompt, subject);
  if (prompt.find("{}") != prompt.npos) {
    if (!places.empty())
      Warn(common, fmt::format("the prompt contains the subject '{}' outside {{}}, too; only the "
                               "place of {{}} counts as the subject",
                               subject));
    return;
  }
  if (places.size() > 1)
    Warn(common, fmt::format("the prompt contains the subject '{}' {} times; this run takes it in "
                             "'{}'. Write {{}} where you want it",
                             subject, places.size(), PromptPattern(prompt, subject)));
  else if (places.size() == 1 && !places[0].is_word)
    Warn(common, fmt::format("the prompt contains the subject '{}' only inside a longer word: '{}'",
                             subject, PromptPattern(prompt, subject)));
}

void WarnOfSpace(const CommonArguments& common, const std::string& what, const std::string& text,
                 bool may_begin) {
  constexpr std::string_view kSpace = " \t\n";
  if (text.empty()) return;
  const bool begins = kSpace.find(text.front()) != kSpace.npos && !may_begin,
             ends = kSpace.find(text.back()) != kSpace.npos;
  if (!begins && !ends) return;
  Warn(common, fmt::format("{} '{}' {} with white space, which becomes part of its tokens", what,
                           VisibleText(text), begins ? "begins" : "ends"));
}

void WarnOfAnswer(const CommonArguments& common, const Tokenizer& tokenizer,
                  const std::string& what, const std::string& answer) {
  WarnOfSpace(common, what, answer, /*may_begin=*/true);
  const std::vector<Token> tokens = tokenizer.EncodeAnswer(answer);
  if (tokens.size() < 2) return;
  Warn(common, fmt::format("{} '{}' has {}; only the first one, '{}', is followed", what, answer,
                           Count(tokens.size(), "token"),
                           VisibleText(tokenizer.DecodeToken(tokens[0].id).value_or(""))));
}

void WarnOfEffect(const CommonArguments& common, const TracedFact& fact) {
  if (fact.p_corrupt < fact.p_clean / 2) return;
  Warn(common,
       fmt::format("the corruption hardly lowers p('{}'): it is {:.3g} in the clean run and "
                   "{:.3g} in the corrupted run. {}",
                   VisibleText(fact.answer), fact.p_clean, fact.p_corrupt,
                   fact.corrupt ? "Choose another --corrupt-subject, whose answer begins "
                                  "with another token"
                                : "Take more --noise"));
}

void CheckOtherAnswer(const TracedFact& fact, Metric metric) {
  if (metric == Metric::kProbability || fact.other_answer_id) return;
  throw Error(fmt::format("there is no logit difference: both prompts give the answer '{}'",
                          VisibleText(fact.answer)),
              "name another answer with --other-answer, or choose another --corrupt-subject");
}

void WarnOfNone(const CommonArguments& common, const std::string& name, size_t facts,
                int64_t guarded, Metric metric) {
  if (facts < 2 || guarded < static_cast<int64_t>(facts)) return;
  Warn(common, fmt::format("{}: {}", name, NoneText(facts, metric)));
}

}  // namespace mambascope
