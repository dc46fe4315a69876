#include "mambascope/cli/commands.h"

namespace mambascope {

const std::vector<CommandEntry>& Commands() {
  using enum CommandEntry::Runs;
  static const std::vector<CommandEntry> kCommands = {
      {"info", "Show a model: architecture, sizes, sites, and weights that can be edited",
       "mambascope info --model demo-mamba2", MakeInfo},
      {"predict", "Show the most probable next tokens",
       "mambascope predict --prompt \"The landmark called Louvre can be found in\"", MakePredict},
      {"generate", "Continue a prompt",
       "mambascope generate --prompt \"The landmark called Louvre can be found in\" --tokens 5",
       MakeGenerate},
      {"states", "Write the states of a run to a safetensors file",
       "mambascope states --prompt \"The Louvre is in\" --sites resid,ssm_out --out "
       "states.safetensors",
       MakeStates},
      {"trace", "Trace facts: which states bring the answer back (causal tracing)",
       "mambascope trace --prompt \"The landmark called {} can be found in\" --subject \"Eiffel "
       "Tower\" --corrupt-subject \"Big Ben\" "
       "--out out",
       MakeTrace, kLong},
      {"paths", "Find the part of the mixer through which facts flow (path-specific effects)",
       "mambascope paths --relations data/demo/relations --limit 50 --at subject_last --out out",
       MakePaths, kLong},
      {"attention", "Show which token reads which inside a mixer (attention, hidden attention)",
       "mambascope attention --prompt \"The landmark called Louvre can be found in\" --layer 8 "
       "--out out",
       MakeAttention},
      {"knockout", "Cut the flow between tokens, and see whether the answer is lost (knockout)",
       "mambascope knockout --relations data/demo/relations --limit 50 --from "
       "subject,relation,first,last --out out",
       MakeKnockout, kLong},
      {"moments", "Collect second moments of projections' inputs, which edits need",
       "mambascope moments --text corpus.jsonl --layers 0-15 --projections W_o --out out",
       MakeMoments, kLong},
      {"edit", "Rewrite facts by ROME or MEMIT, and evaluate the edited model",
       "mambascope edit --prompt \"The landmark called {} can be found in\" --subject \"Eiffel "
       "Tower\" --target Rome --layer 8 --out out",
       MakeEdit, kLong},
      {"apply", "Write the edited checkpoint",
       "mambascope apply --edit out/edit.safetensors --out edited", MakeApply},
      {"lre", "Measure how linear relations are (linear relational embeddings)",
       "mambascope lre --relations data/demo/relations --limit 30 --trials 1 --out out", MakeLre,
       kLong},
      {"demo", "Take a tour: trace, sever, edit and measure facts of one model, and report",
       "mambascope demo --model demo-mamba2", MakeDemo, kLong},
      {"merge", "Join the shards of a run that --shard made",
       "mambascope merge out/trace-demo-resid-relations", MakeMerge},
      {"slurm",
       "Run a command on a Slurm cluster: a task for each shard, and a job that merges them",
       "mambascope slurm --array 16 --gpus 1 --time 2:00:00 -- trace --model mamba-2.8b "
       "--relations relations --device cuda --out out/shards",
       MakeSlurm},
      {"report", "Gather results of any commands and models into one page",
       "mambascope report out/trace-demo-resid out/knockout-demo-cut-conv --out out/report",
       MakeReport},
      {"serve", "Serve a page on which you trace prompts and edit models",
       "mambascope serve --model demo --port 8080", MakeServe, kLong},
      {"options", "Print the options of all commands, as tables or as JSON",
       "mambascope options --json", MakeOptions, kShort, /*has_page=*/false}};
  return kCommands;
}

}  // namespace mambascope
