// Converts GPT-2's own tokenizer files, vocab.json and merges.txt, to an equivalent tokenizer.json.
#pragma once

#include <filesystem>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

// `vocab` is the parsed file `vocab_path`; merges.txt is read from the same folder. Throws Error
// when merges.txt is missing or malformed.
Json FromGpt2Files(Json vocab, const std::filesystem::path& vocab_path);

}  // namespace mambascope
