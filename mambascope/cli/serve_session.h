// What the page of `serve` knows at its start.
#pragma once

#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/cli/serve_words.h"
#include "mambascope/data/fact.h"

namespace mambascope {

// {models, examples, max_tokens}. Examples are some of `facts`. REQUIRES: at least one
// model.
Json SessionJson(const ServedModels& models, const std::vector<Fact>& facts);

}  // namespace mambascope
