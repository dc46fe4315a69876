#include "mambascope/experiments/knockout/knockout.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/knockout_setup.h"
#include "mambascope/cli/progress.h"
#include "mambascope/experiments/knockout/mean_states.h"
#include "mambascope/experiments/knockout/token_sets.h"
#include "mambascope/reports/knockout_json.h"
#include "mambascope/reports/knockout_page.h"
#include "mambascope/reports/knockout_text.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

struct LoadedModel {
  std::string name;
  CommonOptions common;
  Tokenizer tokenizer;
  Model model;
};

// The models' names in figures and files: their folders'; where these repeat, with their number.
std::vector<std::string> NamesOf(const std::vector<std::string>& models) {
  std::vector<std::string> names;
  for (const std::string& model : models) {
    std::string name = (fs::path(model) / "").parent_path().filename().string();
    if (std::find(names.begin(), names.end(), name) != names.end()) name += fmt::format("-{}", names.size() + 1);
    names.push_back(name);
  }
  return names;
}

std::vector<LoadedModel> LoadModels(const CommonOptions& common, const KnockoutArguments& a) {
  const std::vector<std::string> names = NamesOf(a.models);
  std::vector<LoadedModel> loaded;
  for (size_t i = 0; i < a.models.size(); ++i) {
    CommonOptions own = common;
    own.model = a.models[i];
    if (a.models.size() > 1 && Tokenizer::Exists(ModelFolder(own.model))) own.tokenizer.clear();
    Tokenizer tokenizer = RequireTokenizer(own);
    loaded.push_back({names[i], own, std::move(tokenizer), LoadModel(own)});
  }
  return loaded;
}

// The same facts for another model's tokenizer, and the answers where they are the objects.
FactWork WorkFor(const LoadedModel& one, const FactOptions& o, FactWork work) {
  if (work.relations.empty()) work.pairs = {OneFact(o, one.tokenizer)};
  for (size_t i = 0; i < work.facts.size(); ++i) {
    const Fact& fact = work.facts[i];
    work.pairs[i].clean = MakePrompt(one.tokenizer, fact.pattern, fact.subject);
    if (o.all_facts) work.pairs[i].answer_id = FirstToken(one.tokenizer, fact.object);
  }
  return work;
}

void TakeMeans(const LoadedModel& one, const KnockoutArguments& a, MeanAblation& ablation) {
  Progress progress("mean states: documents", "documents", one.common.quiet);
  const std::vector<std::vector<int64_t>> texts = TextIds(a, one.tokenizer);
  ablation.means = MeanStates(one.model, texts, Site::kConvIn, [&](size_t done) {
    progress(static_cast<double>(done), static_cast<int64_t>(texts.size()), static_cast<int64_t>(done));
  });
}

KnockoutResult RunOne(const LoadedModel& one, const KnockoutArguments& a, KnockoutOptions options, const std::string& name,
                      const FactWork& work) {
  KnockoutResult result{.options = EchoOptions("knockout", one.common, EchoFactOptions(a.facts, work)),
                        .name = one.name,
                        .mode = a.mode,
                        .window = WindowOf(a, one.model),
                        .windows = a.around_layers() ? KnockoutResult::Windows::kAround : KnockoutResult::Windows::kWhole,
                        .x = PlacesOf(a, options),
                        .flows = FlowsOf(options),
                        .channels = {},
                        .facts = {},
                        .relations = work.relations};
  if (work.relations.empty()) {  // one fact: a set that it lacks is a mistake
    for (const auto* sets : {&options.from, &options.to}) {
      for (const std::string& set : *sets) CheckTokens(set, work.pairs.at(0).clean);
    }
  }
  for (const ChannelGroup& group : options.channels) result.channels.push_back(group.name);
  result.options.update(EchoKnockout(a, options, result.window));
  const std::vector<Json> lines = RunBatches(name, one.common, a.facts, one.model, work, result.options,
                                             [&](const std::vector<FactPair>& pairs, const CellOptions& cells, Audit& audit) {
                                               if (options.ablation && options.ablation->means.empty())
                                                 TakeMeans(one, a, *options.ablation);
                                               options.cells = cells;
                                               std::vector<Json> found;
                                               for (KnockedFact& fact : KnockOut(one.model, pairs, options, audit)) {
                                                 fact.answer = one.tokenizer.DecodeToken(fact.answer_id).value_or("");
                                                 found.push_back(ToJson(fact, result.x));
                                               }
                                               return found;
                                             });
  for (const Json& line : lines) result.facts.push_back(ReadKnockedFact(line));
  return result;
}

void RunKnockout(const CommonOptions& common, const KnockoutArguments& a) {
  CheckKnockout(a);
  PrepareFacts(a.facts, "knockout");
  const std::vector<LoadedModel> loaded = LoadModels(common, a);
  std::vector<KnockoutOptions> options;
  for (const LoadedModel& one : loaded) options.push_back(SetUpKnockout(a, one.model, one.tokenizer));
  std::vector<Knower> others;
  for (size_t i = 1; i < loaded.size(); ++i) others.emplace_back(&loaded[i].model, &loaded[i].tokenizer);
  const FactWork work = TakeFacts(common, a.facts, loaded[0].model, loaded[0].tokenizer, others);
  std::vector<KnockoutResult> results;
  for (size_t i = 0; i < loaded.size(); ++i) {
    const std::string name = loaded.size() > 1 ? "knockout." + loaded[i].name : "knockout";
    results.push_back(RunOne(loaded[i], a, options[i], name, WorkFor(loaded[i], a.facts, work)));
  }
  std::string text = FactsText(work);
  for (const KnockoutResult& result : results) text += (text.empty() ? "" : "\n") + KnockoutText(result);
  WriteResults("knockout", common, a.facts, KnockoutJson(results), KnockoutPage(results), text + "\n");
}

}  // namespace

void KnockoutCommand(CLI::App& command, CommonOptions& common) {
  const auto a = std::make_shared<KnockoutArguments>();
  AddKnockoutOptions(command, *a);
  command.callback([&common, a] { RunKnockout(common, *a); });
}

}  // namespace mambascope
