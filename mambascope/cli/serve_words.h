// The command lines that the page of `serve` may ask for.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/cli/host.h"
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

// A command line of the page, after its check.
struct ServedRequest {
  std::string command;
  Work::Length length = Work::Length::kLong;
  const ServedModel& model;
  // Those of the page; flags have no value.
  std::vector<std::pair<std::string, std::string>> options = {};

  // The option's value; empty where it is not given.
  std::string Value(const std::string& name) const;
  // The words of a command line that makes the result without a server.
  std::vector<std::string> Words() const;
  // The same as one line for a shell.
  std::string CommandText() const;
};

// Reads the words of a request: the command and its options, each as one word, --name=value or
// --flag. Throws Error for commands, options and models that are not served. REQUIRES: `models`
// outlives the request.
ServedRequest ReadRequest(const std::vector<std::string>& words, const ServedModels& models);

// Throws Error for a prompt of more than `max_tokens`, or another text as long. A long prompt takes
// long: a trace has a cell for each token and layer.
void CheckLength(const ServedRequest& request, int64_t max_tokens);

}  // namespace mambascope
