// GPT-2's own tokenizer files, vocab.json and merges.txt, read as the tokenizer.json that says the
// same.
#pragma once

#include <filesystem>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

// `vocab` is the document in the file `vocab_path`; merges.txt stands beside it. Throws Error when
// that is missing or malformed.
Json FromGpt2Files(Json vocab, const std::filesystem::path& vocab_path);

}  // namespace mambascope
