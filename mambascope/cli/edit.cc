#include <fmt/format.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/edit_many.h"
#include "mambascope/cli/edit_records.h"
#include "mambascope/cli/edit_setup.h"
#include "mambascope/cli/progress.h"
#include "mambascope/cli/prompt_warnings.h"
#include "mambascope/data/prompt.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/edit_file.h"
#include "mambascope/experiments/editing/edit_json.h"
#include "mambascope/experiments/editing/one_edit.h"
#include "mambascope/reports/one_edit_report.h"
#include "mambascope/reports/result_tables.h"

namespace mambascope {
namespace {

void EditOne(const CommonArguments& common, const EditArguments& o, const OutputFolder& out,
             RunDescription run) {
  EditSetup setup(common, o, out);
  WarnOfPrompt(common, *o.prompt);
  WarnOfSubject(common, *o.prompt, *o.subject);
  WarnOfSpace(common, "the target", *o.target, /*may_begin=*/true);
  setup.Describe(run);
  RefuseOtherEdit(out, run, o.output.others());
  const Rewrite rewrite{GivenPattern(*o.prompt, *o.subject), *o.subject, *o.target};
  const RewritePrompts prompts = PrepareRewrite(setup.tokenizer(), rewrite, setup.contexts());
  const std::vector<CheckPrompt> checks = setup.Checks(rewrite);
  setup.TakeMoments();
  setup.Describe(run);
  RefuseOtherEdit(out, run, o.output.others());
  const PerplexityTexts texts = setup.Texts();
  std::optional<Progress> progress;
  progress.emplace(ProgressState{.what = "edit: searching the value and measuring the edit"},
                   common.progress());
  EditMethod method = setup.method();
  std::visit(
      [&](auto& options) {
        options.value.progress = [&](double done, int64_t total) { (*progress)(done, total); };
      },
      method);
  OneEdit edit = EditOne(
      setup.inputs(), rewrite, prompts,
      {.method = method, .places = setup.places(), .texts = texts.documents, .checks = checks});
  progress.reset();
  edit.result.options = run.options;
  edit.result.perplexity_text = texts.name;
  setup.WriteContexts();
  const std::string about =
      fmt::format("{}: {}", MakePrompt(setup.tokenizer(), rewrite.pattern, rewrite.subject).text,
                  rewrite.target);
  WriteEditResults(common, o.output, out, {edit.edits, setup.fingerprint(), about},
                   {edit.result, EditPage(edit.result), EditText(edit.result),
                    [&] { return MakeTable(edit.result); }});
}

class EditCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    VisitEditOptions(a_, option);
    VisitShardOption(common, option);
  }

  // Records are a sweep when each is edited in a model of its own.
  bool HasCheck() const override {
    return a_.FromFiles() && a_.method == "rome" && a_.edits.empty();
  }
  bool HasPlan() const override { return HasCheck(); }
  bool HasShard() const override { return HasCheck(); }
  void Check() const override {
    const bool records = a_.FromFiles(), one = a_.prompt || a_.subject || a_.target;
    Refuse(records && one,
           "--prompt, --subject and --target make one edit; --counterfact and --zsre make many. "
           "Give one kind");
    Refuse(!records && (!a_.prompt || !a_.subject || !a_.target),
           "there is nothing to edit: give --prompt, --subject and --target, or --counterfact, or "
           "--zsre");
    Refuse(!a_.counterfact.empty() && !a_.zsre.empty(),
           "--counterfact and --zsre have different measures: give one of them");
    Refuse(!records && (a_.limit || a_.all_facts),
           "--limit and --all-facts need --counterfact or --zsre");
    Refuse(records && !(a_.relations.empty() && a_.check_prompts.empty()),
           "--relations and --check-prompts need --prompt: they belong to one edit");
    Refuse(common.dtype != "float32", "edits are made in float32: leave out --precision");
    Refuse(!records && !a_.edits.empty(), "--edits needs --counterfact or --zsre");
    Refuse(a_.lambda && a_.method != "memit", "--lambda needs --method memit");
    Refuse(a_.division != "bare" && a_.method == "memit", "--division needs --method rome");
    Refuse(!a_.snippets.empty() && !a_.generate, "--snippets needs --generate");
    Refuse(a_.generate && a_.counterfact.empty(), "--generate needs --counterfact");
  }

  void Run() override {
    const bool many = !a_.prompt && (a_.method == "memit" || !a_.edits.empty()),
               sweep = !a_.prompt && !many;
    const OutputFolder out = OpenOutput(
        common, a_.output, DefaultFolder("edit", {common.model}, a_.method, a_.files()),
        {"edit.json", "edit.html", kContextsFile, sweep ? "edit.jsonl" : "edit.safetensors"});
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
