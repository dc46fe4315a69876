// Named sets of a prompt's tokens: the sources and targets of a knockout (Endy et al. 2025, section
// 3; Sharma et al. 2024, Figure 11), and the tokens whose states a trace restores.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mambascope/data/prompt.h"

namespace mambascope {

// first                the prompt's first token (BOS, where the tokenizer adds one)
// last                 the prompt's last token
// all                  every token
// subject              the subject's tokens
// subject_first        the subject's first token
// subject_last         the subject's last token
// context              all tokens before the subject
// relation             all tokens but the subject's; as in published results, this includes BOS
//                      and the prompt's last token
// relation_minus_last  relation without the prompt's last token
// non_subject          another name of relation_minus_last
extern const std::vector<std::string> kTokenSets;

// Parses comma-separated sets: the names above, and tokens counted from 0 or ranges of them.
// Neighboring numbers are one set: "subject,0,3-5" is {"subject", "0,3-5"}. Throws Error for
// anything else; the Error lists the names.
std::vector<std::string> ParseTokenSets(const std::string& text);

// Returns the tokens of a set from ParseTokenSets, ascending and without repeats. The result is
// empty when the prompt has no such token: `context` when the subject begins the prompt, or numbers
// beyond its end.
std::vector<int64_t> ResolveTokens(const std::string& set, const Prompt& prompt);

// Throws Error when the set names a token beyond the prompt's end. `which` names the prompt in the
// message.
void CheckTokens(const std::string& set, const Prompt& prompt,
                 const std::string& which = "the prompt");

}  // namespace mambascope
