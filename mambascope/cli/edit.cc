#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/legacy.h"
#include "mambascope/cli/edit_many.h"
#include "mambascope/cli/edit_records.h"
#include "mambascope/cli/edit_setup.h"
#include "mambascope/data/prompt.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/edit_file.h"
#include "mambascope/experiments/editing/edit_health.h"
#include "mambascope/experiments/editing/memit.h"
#include "mambascope/experiments/editing/target_scores.h"
#include "mambascope/intervene/run.h"
#include "mambascope/reports/edit_table.h"
#include "mambascope/reports/one_edit_report.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kTop = 5;  // tokens shown before and after

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

// The edits that one fact takes, and what was found on the way.
struct Found {
  std::vector<Edit> edits;
  FoundValue value;
  double v0_norm;
};

Found MakeEdits(const EditSetup& setup, const EditOptions& o, const RewritePrompts& rewrite) {
  if (o.method == "memit") {
    const std::set<int> layers = setup.layers();
    const MemitResult result =
        Memit(setup.model(), {rewrite}, layers, setup.projection(), setup.solvers(), {.value = setup.value(), .lambda = o.lambda});
    const Place last{Site::kResid, *layers.rbegin()};
    return {result.Edits(), result.values[0], TokenStates(setup.model(), {rewrite.prompts[0]}, {last}).at(last).norm().item<double>()};
  }
  const auto& [layer, projection] = setup.places()[0];
  const RomeEdit edit = Rome(setup.model(), {{&rewrite, layer, projection}}, setup.solvers(), setup.rome())[0];
  return {{edit.edit}, edit.value, edit.v0_norm};
}

Json LossJson(const std::vector<LossStep>& steps) {
  Json loss = Json::array();
  for (const LossStep& s : steps) loss.push_back({{"loss", s.loss}, {"nll", s.nll}, {"kl", s.kl}, {"decay", s.decay}, {"p", s.p}});
  return loss;
}

void EditOne(const CommonOptions& common, const EditOptions& o) {
  const fs::path out = o.out;
  for (const char* name : {"edit.json", "edit.html", "edit.safetensors"}) PrepareFile(out / name);
  EditSetup setup(common, o);
  if (o.method == "memit") CheckMemit(setup.model(), setup.layers(), setup.projection());
  else if (setup.places().size() != 1)
    throw Error("ROME changes one weight: give --layer and --projection", "--method memit edits several layers");
  const std::string pattern = GivenPattern(*o.prompt, *o.subject);
  const RewritePrompts rewrite = PrepareRewrite(setup.tokenizer(), {pattern, *o.subject, *o.target}, setup.contexts());
  setup.TakeMoments();
  const Found found = MakeEdits(setup, o, rewrite);
  const Model edited = setup.model().Edited(found.edits);
  const EditHealth health = CheckEdits(setup.model(), found.edits, setup.Texts());
  const std::vector<int64_t>& prompt = rewrite.prompts[0].ids;
  OneEdit result{.options = EchoOptions("edit", common, setup.Echo()), .edit = {}};
  result.edit = {{"layer", setup.places().back().layer},
                 {"projection", setup.places().back().projection},
                 {"prompt", pattern},
                 {"subject", *o.subject},
                 {"target", *o.target},
                 {"loss", LossJson(found.value.steps)},
                 {"stopped", found.value.stopped},
                 {"change_norm", health.weights.back().change_norm},
                 {"weight_norm", health.weights.back().weight_norm},
                 {"v0_norm", found.v0_norm},
                 {"delta_norm", found.value.delta.norm().item<double>()},
                 {"before", Answers(setup.model(), setup.tokenizer(), prompt, rewrite.target)},
                 {"after", Answers(edited, setup.tokenizer(), prompt, rewrite.target)}};
  result.edit.update(HealthJson(health));
  if (result.edit["after"]["top"][0]["id"] != rewrite.target[0])
    result.edit["warnings"].push_back("the edit did not take: the model does not say the target");
  for (const int layer : setup.layers()) result.edit["layers"].push_back(layer);
  result.edit["perplexity"]["text"] = o.texts.empty() ? "bundled" : fmt::format("{}", fmt::join(o.texts, ", "));
  const Json json = {{"options", result.options}, {"edit", result.edit}};
  setup.WriteContexts();
  WriteEdits(out / "edit.safetensors", {found.edits, Fingerprint(ModelFolder(common.model)),
                                        fmt::format("{}: {}", MakePrompt(setup.tokenizer(), pattern, *o.subject).text, *o.target)});
  WriteFile(out / "edit.json", DumpJson(json, 1) + "\n");
  WriteFile(out / "edit.html", EditPage(result));
  Print(common, json,
        fmt::format("{}{}\n{}\n{}\n", EditText(result), (out / "edit.safetensors").string(), (out / "edit.json").string(),
                    (out / "edit.html").string()));
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
