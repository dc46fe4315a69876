#include <ATen/ATen.h>
#include <fmt/format.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/edit_records.h"
#include "mambascope/cli/edit_setup.h"
#include "mambascope/data/corpus.h"
#include "mambascope/data/prompt.h"
#include "mambascope/error.h"
#include "mambascope/experiments/edit_file.h"
#include "mambascope/experiments/target_scores.h"
#include "mambascope/intervene/run.h"
#include "mambascope/report/one_edit_report.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kTop = 5;         // tokens shown before and after
constexpr int64_t kDocuments = 64;  // of the text whose perplexity is watched

// What the model says after the prompt.
Json Answers(const Model& model, const Tokenizer& tokenizer, const std::vector<int64_t>& prompt, const std::vector<int64_t>& target) {
  const at::Tensor p = Run(model, {prompt}).LastLogits()[0].softmax(0);
  const auto [probs, ids] = p.topk(std::min(kTop, p.size(0)));
  Json top = Json::array();
  for (int64_t i = 0; i < ids.size(0); ++i) {
    const auto id = ids[i].item<int64_t>();
    top.push_back({{"id", id}, {"text", tokenizer.DecodeToken(id).value_or("")}, {"prob", probs[i].item<double>()}});
  }
  const TargetScore score = ScoreTargets(model, {{prompt, {target}}})[0][0];
  return {{"top", top}, {"p_target", std::exp(-score.nll * static_cast<double>(target.size()))}};
}

void EditOne(const CommonOptions& common, const EditOptions& o) {
  const fs::path out = o.out;
  for (const char* name : {"edit.json", "edit.html", "edit.safetensors"}) PrepareFile(out / name);
  const EditSetup setup(common, o);
  if (setup.places().size() != 1) throw Error("one edit changes one weight: give --layer and --projection");
  const auto& [layer, projection] = setup.places()[0];
  const std::string pattern = o.prompt->find("{}") == o.prompt->npos ? PatternOf(*o.prompt, *o.subject) : *o.prompt;
  const RewritePrompts rewrite = PrepareRewrite(setup.tokenizer(), {pattern, *o.subject, *o.target}, setup.contexts());
  const RomeEdit edit = Rome(
      setup.model(), {{&rewrite, layer, projection}}, [&](const Place& key) -> const MomentSolver& { return setup.Solver(key); },
      setup.rome())[0];
  WriteEdits(out / "edit.safetensors", {{edit.edit}, Fingerprint(ModelFolder(common.model))});
  const Model edited = setup.model().Edited({edit.edit});
  OneEdit result{.options = EchoOptions("edit", common, setup.Echo()), .edit = {}};
  Json loss = Json::array();
  for (const LossStep& s : edit.value.steps)
    loss.push_back({{"loss", s.loss}, {"nll", s.nll}, {"kl", s.kl}, {"decay", s.decay}, {"p", s.p}});
  const std::vector<int64_t>& prompt = rewrite.prompts[0].ids;
  result.edit = {{"layer", layer},
                 {"projection", projection},
                 {"prompt", pattern},
                 {"subject", *o.subject},
                 {"target", *o.target},
                 {"loss", loss},
                 {"stopped", edit.value.stopped},
                 {"change_norm", edit.change_norm},
                 {"weight_norm", edit.weight_norm},
                 {"v0_norm", edit.v0_norm},
                 {"delta_norm", edit.value.delta.norm().item<double>()},
                 {"before", Answers(setup.model(), setup.tokenizer(), prompt, rewrite.target)},
                 {"after", Answers(edited, setup.tokenizer(), prompt, rewrite.target)},
                 {"perplexity", Json()},
                 {"warnings", Json::array()}};
  const Json json = {{"options", result.options}, {"edit", result.edit}};
  WriteFile(out / "edit.json", DumpJson(json, 1) + "\n");
  WriteFile(out / "edit.html", EditPage(result));
  Print(common, json,
        fmt::format("{}{}\n{}\n{}\n", EditText(result), (out / "edit.safetensors").string(), (out / "edit.json").string(),
                    (out / "edit.html").string()));
}

void CheckOptions(const EditOptions& o) {
  const bool records = !o.counterfact.empty() || !o.zsre.empty(), one = o.prompt || o.subject || o.target;
  const auto refuse = [](bool when, const char* what) {
    if (when) throw CLI::ValidationError(what);
  };
  refuse(records && one, "--prompt, --subject and --target make one edit, --counterfact and --zsre many: give one or the other");
  refuse(!records && (!o.prompt || !o.subject || !o.target), "no edit: give --prompt, --subject and --target, or --counterfact or --zsre");
  refuse(!records && (o.limit > 0 || o.all_facts), "--limit and --all-facts are of --counterfact and --zsre");
  refuse(o.memory && *o.memory == 0, "--memory must be more than 0");
}

}  // namespace

void EditCommand(CLI::App& command, CommonOptions& common) {
  const auto o = std::make_shared<EditOptions>();
  AddEditOptions(command, *o);
  command.callback([&common, o] {
    CheckOptions(*o);
    if (o->prompt) EditOne(common, *o);
    else EditRecords(common, *o);
  });
}

}  // namespace mambascope
