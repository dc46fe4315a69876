// mambascope: one table of commands, and the only place where an Error is caught. Exit 0; 1 for an error; 2 for a wrong command line.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>
#include <string_view>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/tuned_start.h"
#include "mambascope/error.h"
#include "mambascope/figures/label.h"

namespace {

struct Command {
  const char* name;
  const char* does;
  const char* example;
  void (*add)(CLI::App&, mambascope::CommonOptions&);
  bool runs_long = false;
};

constexpr Command kCommands[] = {
    {"info", "What a model is: architecture, sizes, sites, weights that can be edited", "mambascope info --model demo-mamba2",
     mambascope::Info},
    {"predict", "The next token's distribution", "mambascope predict --prompt \"The landmark called Louvre can be found in\"",
     mambascope::Predict},
    {"generate", "A continuation", "mambascope generate --prompt \"The landmark called Louvre can be found in\" --tokens 5",
     mambascope::Generate},
    {"states", "Every state of a run, as a safetensors file",
     "mambascope states --prompt \"The Louvre is in\" --sites resid,ssm_out --out states.safetensors", mambascope::States},
    {"trace", "Causal tracing: which states bring a fact back",
     "mambascope trace --prompt \"The landmark called {} can be found in\" --subject \"Eiffel Tower\" --corrupt-subject \"Big Ben\" --out "
     "out",
     mambascope::Trace, /*runs_long=*/true},
    {"paths", "Path-specific effects: through which part of the mixer a fact flows",
     "mambascope paths --relations data/demo/relations --limit 50 --at subject_last --out out", mambascope::Paths, /*runs_long=*/true},
    {"attention", "What each token reads from each inside a mixer: attention, and Mamba's hidden attention",
     "mambascope attention --prompt \"The landmark called Louvre can be found in\" --layer 8 --out out", mambascope::Attention},
    {"knockout", "Information-flow knockout: between which tokens, in which layers, a fact flows to the answer",
     "mambascope knockout --relations data/demo/relations --limit 50 --from subject,relation,first,last --out out",
     mambascope::KnockoutCommand, /*runs_long=*/true},
    {"moments", "Second moments of projections' inputs, which editing needs",
     "mambascope moments --text corpus.jsonl --layers 0-15 --projections W_o --out out", mambascope::MomentsCommand, /*runs_long=*/true},
    {"edit", "ROME: rewrite a fact by a rank-one change of one weight; with records, the CounterFact evaluation and layer sweeps",
     "mambascope edit --prompt \"The landmark called {} can be found in\" --subject \"Eiffel Tower\" --target Rome --layer 8 --out out",
     mambascope::EditCommand, /*runs_long=*/true},
    {"apply", "Write the checkpoint that an edit makes", "mambascope apply --edit out/edit.safetensors --out edited", mambascope::Apply},
    {"lre", "Linear relational embeddings: how linear each relation is, layer by layer",
     "mambascope lre --relations data/demo/relations --limit 30 --trials 1 --out out", mambascope::LreCommand, /*runs_long=*/true},
};

bool RunsLong(int argc, char** argv) {
  return argc > 1 && std::any_of(std::begin(kCommands), std::end(kCommands),
                                 [&](const Command& c) { return c.runs_long && c.name == std::string_view(argv[1]); });
}

int Main(int argc, char** argv) {
  CLI::App app("mambascope: where a state-space language model keeps a fact, how it reaches the answer, and whether it can be rewritten.");
  app.set_version_flag("--version", std::string(mambascope::kVersion) + " (" + mambascope::kGitCommit + ")");
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  mambascope::CommonOptions common;
  for (const Command& entry : kCommands) {
    CLI::App& command = *app.add_subcommand(entry.name, entry.does);
    command.footer(std::string("Example:\n  ") + entry.example);
    entry.add(command, common);
    if (CLI::Option* out = command.get_option_no_throw("--out"))
      out->check([](const std::string& path) { return std::string(path.empty() ? "must not be empty" : ""); }, "");
    mambascope::AddCommonOptions(command, common);
  }
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (RunsLong(argc, argv)) mambascope::StartTuned(argv);
  try {
    const int status = Main(argc, argv);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw mambascope::Error("standard output cannot be written");
    return status;
  } catch (const mambascope::Error& e) {
    fmt::print(stderr, "error: {}\n", mambascope::VisibleText(e.what()));  // one line, whatever a prompt or a file name holds
  } catch (const std::exception& e) {
    const std::string_view what = e.what();
    fmt::print(stderr, "error: unexpected: {}\n", mambascope::VisibleText(what.substr(0, what.find('\n'))));
  }
  return 1;
}
