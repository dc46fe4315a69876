#include <fmt/format.h>
#include <fmt/ranges.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/edit_many.h"
#include "mambascope/cli/edit_records.h"
#include "mambascope/cli/edit_setup.h"
#include "mambascope/data/prompt.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/edit_file.h"
#include "mambascope/experiments/editing/edit_json.h"
#include "mambascope/experiments/editing/one_edit.h"
#include "mambascope/reports/one_edit_report.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

void WriteOneEdit(const CommonOptions& common, const fs::path& out, const OneEditResult& result, const StoredEdits& edits) {
  WriteEdits(out / "edit.safetensors", edits);
  const Json json = result;
  WriteFile(out / "edit.json", DumpJson(json, 1) + "\n");
  WriteFile(out / "edit.html", EditPage(result));
  Print(common, json,
        fmt::format("{}{}\n{}\n{}\n", EditText(result), (out / "edit.safetensors").string(), (out / "edit.json").string(),
                    (out / "edit.html").string()));
}

void EditOne(const CommonOptions& common, const EditOptions& o) {
  const fs::path out = o.out;
  for (const char* name : {"edit.json", "edit.html", "edit.safetensors"}) PrepareFile(out / name);
  EditSetup setup(common, o);
  setup.CheckPlaces();
  const Rewrite rewrite{GivenPattern(*o.prompt, *o.subject), *o.subject, *o.target};
  const RewritePrompts prompts = PrepareRewrite(setup.tokenizer(), rewrite, setup.contexts());
  setup.TakeMoments();
  OneEdit edit =
      EditOne(setup.inputs(), rewrite, prompts, {.method = setup.method(), .places = setup.places(), .texts = setup.Texts()});
  edit.result.options = EchoOptions("edit", common, setup.Echo());
  edit.result.perplexity_text = o.texts.empty() ? "bundled" : fmt::format("{}", fmt::join(o.texts, ", "));
  setup.WriteContexts();
  const std::string about = fmt::format("{}: {}", MakePrompt(setup.tokenizer(), rewrite.pattern, rewrite.subject).text, rewrite.target);
  WriteOneEdit(common, out, edit.result, {edit.edits, Fingerprint(ModelFolder(common.model)), about});
}

void CheckOptions(const CommonOptions& common, const EditOptions& o) {
  const bool records = !o.counterfact.empty() || !o.zsre.empty(), one = o.prompt || o.subject || o.target;
  const auto refuse = [](bool when, const char* what) {
    if (when) throw CLI::ValidationError(what);
  };
  refuse(records && one, "--prompt, --subject and --target make one edit, --counterfact and --zsre many: give one or the other");
  refuse(!records && (!o.prompt || !o.subject || !o.target), "no edit: give --prompt, --subject and --target, or --counterfact or --zsre");
  refuse(!o.counterfact.empty() && !o.zsre.empty(), "--counterfact and --zsre are measured differently: give one or the other");
  refuse(!records && (o.limit > 0 || o.all_facts), "--limit and --all-facts are of --counterfact and --zsre");
  const bool sweep = records && o.method == "rome" && o.edits.empty();
  refuse(!sweep && (common.check || common.explain), "--check and --explain are of records that are edited each alone");
  if (common.dtype != "float32") throw Error("edits are made in float32", "leave out --dtype bfloat16");
  refuse(!records && !o.edits.empty(), "--edits is of --counterfact and --zsre");
  refuse(o.lambda && o.method != "memit", "--lambda is MEMIT's");
  refuse(o.division != "bare" && o.method == "memit", "--division is ROME's");
  refuse(!o.snippets.empty() && !o.generate, "--snippets are for --generate");
  refuse(o.generate && o.counterfact.empty(), "--generate is for --counterfact");
}

// MEMIT's published values where the command line has none.
void ApplyMethodDefaults(const CLI::App& command, EditOptions& o) {
  if (o.method != "memit") return;
  const ValueOptions published = MemitOptions().value;
  if (command.count("--steps") == 0) o.value.steps = published.steps;
  if (command.count("--clamp") == 0) o.value.clamp = published.clamp;
  o.value.enough_p = published.enough_p;
}

}  // namespace

void EditCommand(CLI::App& command, CommonOptions& common) {
  const auto o = std::make_shared<EditOptions>();
  AddEditOptions(command, *o);
  command.callback([&command, &common, o] {
    CheckOptions(common, *o);
    ApplyMethodDefaults(command, *o);
    if (o->prompt) EditOne(common, *o);
    else if (o->method == "memit" || !o->edits.empty()) EditMany(common, *o);
    else EditRecords(common, *o);
  });
}

}  // namespace mambascope
