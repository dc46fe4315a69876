// A command of the program that Python runs on a model of its own.
#pragma once

#include <string>
#include <vector>

#include "mambascope/python/python_model.h"
#include "mambascope/python/python_progress.h"

namespace mambascope {

// The result of a command (CommandResult), with its table made.
struct PythonResult {
  std::string json;   // what the command writes to its .json file
  std::string text;   // what it prints
  std::string table;  // CSV, as of --table; empty for commands without one
  Page page;
  std::vector<std::string> warnings;

  std::string html() const { return HtmlPage(page); }
  // [{heading, caption, spec}, ..] as JSON. `spec` is Vega-Lite.
  std::string figures() const;
};

// Runs a command. `words` are its name and its options, each as one word: --name=value, or --flag.
// The model's options are added. Commands run one at a time, whatever thread asks. Throws Error if
// the command line is wrong or the command fails. REQUIRES: the caller does not hold the GIL.
PythonResult RunPythonCommand(const PythonModel& model, std::vector<std::string> words,
                              PythonProgress& progress);

}  // namespace mambascope
