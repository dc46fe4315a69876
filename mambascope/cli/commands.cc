#include "mambascope/cli/commands.h"

namespace mambascope {

const std::vector<CommandEntry>& Commands() {
  using enum CommandEntry::Runs;
  static const std::vector<CommandEntry> kCommands = {
      {"info", "What a model is: architecture, sizes, sites, weights that can be edited",
       "mambascope info --model demo-mamba2", MakeInfo},
      {"predict", "The next token's distribution",
       "mambascope predict --prompt \"The landmark called Louvre can be found in\"", MakePredict},
      {"generate", "A continuation",
       "mambascope generate --prompt \"The landmark called Louvre can be found in\" --tokens 5",
       MakeGenerate},
      {"states", "Every state of a run, as a safetensors file",
       "mambascope states --prompt \"The Louvre is in\" --sites resid,ssm_out --out "
       "states.safetensors",
       MakeStates},
      {"trace", "Causal tracing: which states bring a fact back",
       "mambascope trace --prompt \"The landmark called {} can be found in\" --subject \"Eiffel "
       "Tower\" --corrupt-subject \"Big Ben\" "
       "--out out",
       MakeTrace, kLong},
      {"paths", "Path-specific effects: through which part of the mixer a fact flows",
       "mambascope paths --relations data/demo/relations --limit 50 --at subject_last --out out",
       MakePaths, kLong},
      {"attention",
       "What each token reads from each inside a mixer: attention, and Mamba's hidden attention",
       "mambascope attention --prompt \"The landmark called Louvre can be found in\" --layer 8 "
       "--out out",
       MakeAttention},
      {"knockout",
       "Information-flow knockout: between which tokens, in which layers, a fact flows to the "
       "answer",
       "mambascope knockout --relations data/demo/relations --limit 50 --from "
       "subject,relation,first,last --out out",
       MakeKnockout, kLong},
      {"moments", "Second moments of projections' inputs, which editing needs",
       "mambascope moments --text corpus.jsonl --layers 0-15 --projections W_o --out out",
       MakeMoments, kLong},
      {"edit",
       "ROME: rewrite a fact by a rank-one change of one weight; with records, the CounterFact "
       "evaluation and layer sweeps",
       "mambascope edit --prompt \"The landmark called {} can be found in\" --subject \"Eiffel "
       "Tower\" --target Rome --layer 8 --out out",
       MakeEdit, kLong},
      {"apply", "Write the checkpoint that an edit makes",
       "mambascope apply --edit out/edit.safetensors --out edited", MakeApply},
      {"lre", "Linear relational embeddings: how linear each relation is, layer by layer",
       "mambascope lre --relations data/demo/relations --limit 30 --trials 1 --out out", MakeLre,
       kLong},
      {"options", "The options of every command, as tables or as JSON", "mambascope options --json",
       MakeOptions, kShort, /*has_page=*/false}};
  return kCommands;
}

}  // namespace mambascope
