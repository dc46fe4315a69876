#include <fmt/format.h>
#include <fmt/ranges.h>

#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/edit_many.h"
#include "mambascope/cli/edit_records.h"
#include "mambascope/cli/edit_setup.h"
#include "mambascope/cli/prompt_warnings.h"
#include "mambascope/data/prompt.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/edit_file.h"
#include "mambascope/experiments/editing/edit_json.h"
#include "mambascope/experiments/editing/one_edit.h"
#include "mambascope/reports/one_edit_report.h"

namespace mambascope {
namespace {

void WriteOneEdit(const CommonArguments& common, const OutputFolder& out,
                  const OneEditResult& result, const StoredEdits& edits) {
  WriteEdits(out / "edit.safetensors", edits);
  WriteResults("edit", common, out, result, EditPage(result),
               fmt::format("{}{}\n", EditText(result), (out / "edit.safetensors").string()));
}

void EditOne(const CommonArguments& common, const EditArguments& o, const OutputFolder& out,
             RunDescription run) {
  EditSetup setup(common, o, out);
  setup.CheckPlaces();
  WarnOfPrompt(common, *o.prompt);
  WarnOfSubject(common, *o.prompt, *o.subject);
  setup.Describe(run);
  RefuseOtherEdit(out, run, o.output.others());
  const Rewrite rewrite{GivenPattern(*o.prompt, *o.subject), *o.subject, *o.target};
  const RewritePrompts prompts = PrepareRewrite(setup.tokenizer(), rewrite, setup.contexts());
  setup.TakeMoments();
  setup.Describe(run);
  RefuseOtherEdit(out, run, o.output.others());
  OneEdit edit =
      EditOne(setup.inputs(), rewrite, prompts,
              {.method = setup.method(), .places = setup.places(), .texts = setup.Texts()});
  edit.result.options = run.options;
  edit.result.perplexity_text =
      o.texts.empty() ? "bundled" : fmt::format("{}", fmt::join(o.texts, ", "));
  setup.WriteContexts();
  const std::string about =
      fmt::format("{}: {}", MakePrompt(setup.tokenizer(), rewrite.pattern, rewrite.subject).text,
                  rewrite.target);
  WriteOneEdit(common, out, edit.result,
               {edit.edits, Fingerprint(ModelFolder(common.model)), about});
}

class EditCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override { VisitEditOptions(a_, option); }

  void Check() const override {
    const bool records = a_.FromFiles(), one = a_.prompt || a_.subject || a_.target;
    Refuse(records && one,
           "--prompt, --subject and --target make one edit, --counterfact and --zsre many: give "
           "one or the other");
    Refuse(!records && (!a_.prompt || !a_.subject || !a_.target),
           "no edit: give --prompt, --subject and --target, or --counterfact or --zsre");
    Refuse(!a_.counterfact.empty() && !a_.zsre.empty(),
           "--counterfact and --zsre are measured differently: give one or the other");
    Refuse(!records && (a_.limit || a_.all_facts),
           "--limit and --all-facts are of --counterfact and --zsre");
    const bool sweep = records && a_.method == "rome" && a_.edits.empty();
    Refuse(!sweep && (common.check || common.explain),
           "--check and --explain are of records that are edited each alone");
    if (common.dtype != "float32")
      throw Error("edits are made in float32", "leave out --dtype bfloat16");
    Refuse(!records && !a_.edits.empty(), "--edits is of --counterfact and --zsre");
    Refuse(a_.lambda && a_.method != "memit", "--lambda is MEMIT's");
    Refuse(a_.division != "bare" && a_.method == "memit", "--division is ROME's");
    Refuse(!a_.snippets.empty() && !a_.generate, "--snippets are for --generate");
    Refuse(a_.generate && a_.counterfact.empty(), "--generate is for --counterfact");
  }

  void Run() override {
    const bool many = !a_.prompt && (a_.method == "memit" || !a_.edits.empty()),
               sweep = !a_.prompt && !many;
    const OutputFolder out(
        a_.output.folder.value_or(DefaultFolder("edit", {common.model}, a_.method)),
        {"edit.json", "edit.html", sweep ? "edit.jsonl" : "edit.safetensors"});
    const RunDescription run = DescribeRun("edit", *this);
    if (sweep) EditRecords(common, a_, out, run);
    else if (many) EditMany(common, a_, out, run);
    else EditOne(common, a_, out, run);
  }

 private:
  EditArguments a_;
};

}  // namespace

std::unique_ptr<Command> MakeEdit() { return std::make_unique<EditCommand>(); }

}  // namespace mambascope
