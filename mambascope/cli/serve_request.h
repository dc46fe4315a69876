// A request of the page of `serve`: a command line, run on a model that the server keeps.
#pragma once

#include <string>
#include <vector>

#include "mambascope/cli/serve_edits.h"
#include "mambascope/cli/serve_words.h"
#include "mambascope/serve/work_queue.h"

namespace mambascope {

// Returns the work of a command line. `words` are the command and its options, each as one word:
// --name=value, or --flag. Its last event is "result" {command, json, figures, tables, summary},
// and `edit`, the id of an edit that is kept. Throws Error for commands, options and models that
// are not served. No option of a served command names a file. REQUIRES: `models` and `edits`
// outlive the work.
Work PrepareRequest(const std::vector<std::string>& words, const ServedModels& models,
                    KeptEdits& edits);

}  // namespace mambascope
