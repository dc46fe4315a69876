// A request of the page of `serve`: a command line, run on a model that the server keeps.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/cli/host.h"
#include "mambascope/cli/serve_edits.h"
#include "mambascope/serve/work_queue.h"

namespace mambascope {

struct ServedModel {
  std::string name;  // as the page knows it
  // Options that choose this model on a command line (ModelOptionsOf).
  std::vector<std::pair<std::string, std::string>> options;
  KeptModel kept;
};

// What requests share.
struct ServedModels {
  std::vector<ServedModel> models;
  int64_t max_tokens = 0;               // most tokens of a prompt
  std::optional<uint64_t> memory = {};  // of a sweep, as --memory; none: the default
};

// The options that the page may give, by command. Options that name files, or that decide how a run
// proceeds, are left out.
std::map<std::string, std::set<std::string>> ServedOptions();

// Returns the work of a command line. `words` are the command and its options, each as one word:
// --name=value, or --flag. Its last event is "result" {command, json, figures, tables, summary},
// and `edit`, the id of an edit that is kept. Throws Error for commands, options and models that
// are not served. No option of a served command names a file. REQUIRES: `models` and `edits`
// outlive the work.
Work PrepareRequest(const std::vector<std::string>& words, const ServedModels& models,
                    KeptEdits& edits);

}  // namespace mambascope
