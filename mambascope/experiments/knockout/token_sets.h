// Sets of a prompt's tokens by name: what a knockout severs, from where to where (Endy et al. 2025,
// section 3; Sharma et al. 2024, Figure 11).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mambascope/data/prompt.h"

namespace mambascope {

// first                one token, the prompt's first (BOS, where the tokenizer adds one)
// last                 the prompt's last token
// all                  every token
// subject              the subject's tokens; subject_first and subject_last: one of them
// context              all before the subject
// relation             all but the subject's, the prompt's last token and BOS included, as
// published results have it relation_minus_last  the same without the prompt's last token;
// non_subject is another name of it
extern const std::vector<std::string> kTokenSets;

// The sets that `text` names: those above, and tokens counted from 0, with ranges; numbers beside
// each other are one set: "subject,0,3-5" is {"subject", "0,3-5"}. Throws Error, which lists the
// names, for anything else.
std::vector<std::string> ParseTokenSets(const std::string& text);

// The tokens of a set that ParseTokenSets returned, ascending, each once; none where the prompt has
// none, as before a subject that begins it, or numbers beyond it.
std::vector<int64_t> ResolveTokens(const std::string& set, const Prompt& prompt);

// Throws Error for a token of the set that is beyond the prompt.
void CheckTokens(const std::string& set, const Prompt& prompt);

}  // namespace mambascope
