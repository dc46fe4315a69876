#include <fmt/format.h>

#include <algorithm>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/knockout_setup.h"
#include "mambascope/cli/progress.h"
#include "mambascope/experiments/knockout/knockout_result.h"
#include "mambascope/experiments/knockout/mean_states.h"
#include "mambascope/experiments/knockout/token_sets.h"
#include "mambascope/reports/fact_text.h"
#include "mambascope/reports/knockout_page.h"
#include "mambascope/reports/knockout_text.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

struct LoadedModel {
  std::string name;
  CommonArguments common;
  Tokenizer tokenizer;
  Model model;
};

// The models' names in figures and files: their folders'; where these repeat, with their number.
std::vector<std::string> NameModels(const std::vector<std::string>& models) {
  std::vector<std::string> names;
  for (const std::string& model : models) {
    std::string name = (fs::path(model) / "").parent_path().filename().string();
    if (std::find(names.begin(), names.end(), name) != names.end())
      name += fmt::format("-{}", names.size() + 1);
    names.push_back(name);
  }
  return names;
}

// The names of the files with the results of each model's facts.
std::vector<std::string> StoreNames(const std::vector<std::string>& models) {
  if (models.size() == 1) return {"knockout"};
  std::vector<std::string> names;
  for (const std::string& name : NameModels(models)) names.push_back("knockout." + name);
  return names;
}

std::vector<LoadedModel> LoadModels(const CommonArguments& common, const KnockoutArguments& a) {
  const std::vector<std::string> names = NameModels(a.models);
  std::vector<LoadedModel> loaded;
  for (size_t i = 0; i < a.models.size(); ++i) {
    CommonArguments own = common;
    own.model = a.models[i];
    if (a.models.size() > 1 && Tokenizer::Exists(ModelFolder(own.model))) own.tokenizer.clear();
    Tokenizer tokenizer = RequireTokenizer(own);
    Model model = LoadModel(own, &tokenizer);
    loaded.push_back({names[i], own, std::move(tokenizer), std::move(model)});
  }
  return loaded;
}

// The same facts for another model's tokenizer, and the answers where they are the objects.
FactWork WorkFor(const LoadedModel& one, const FactArguments& o, FactWork work) {
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
  const std::vector<std::vector<int64_t>> texts = TextIds(a, one.model, one.tokenizer);
  ablation.means = MeanStates(one.model, texts, Site::kConvIn, [&](size_t done) {
    progress(static_cast<double>(done), static_cast<int64_t>(texts.size()),
             static_cast<int64_t>(done));
  });
}

// One fact: a set of tokens that it lacks is a mistake.
void CheckSets(const KnockoutOptions& options, const Prompt& prompt) {
  for (const auto* sets : {&options.from, &options.to}) {
    for (const std::string& set : *sets) CheckTokens(set, prompt);
  }
}

class KnockoutCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override { VisitKnockoutOptions(a_, option); }
  void VisitModel(OptionVisitor& option) override {
    option.Topic("Model");
    option(&a_.models, {.names = "--model",
                        .help = "Checkpoint folder, or demo, demo-mamba2, demo-neox; repeatable. "
                                "Of several models all must know a fact, the "
                                "curves are by depth, and all are in memory at once; --tokenizer "
                                "is for those that have none",
                        .decides = Decides::kSelection});
  }
  void VisitCompat(OptionVisitor& /*option*/) override {}  // among its own
  void Check() const override {
    CheckKnockout(a_);
    CheckFacts(a_.facts);
  }

  void Run() override {
    common.compat = a_.compat;
    const OutputFolder folder = OpenFolder(
        "knockout", a_.facts, DefaultFolder("knockout", a_.models, a_.mode), StoreNames(a_.models));
    const std::vector<LoadedModel> loaded = LoadModels(common, a_);
    std::vector<KnockoutOptions> options;
    for (const LoadedModel& one : loaded)
      options.push_back(SetUpKnockout(a_, one.model, one.tokenizer));
    std::vector<FurtherModel> others;
    for (size_t i = 1; i < loaded.size(); ++i)
      others.push_back({&loaded[i].model, &loaded[i].tokenizer});
    const AskedFacts asked = ReadFacts(common, a_.facts, loaded[0].model, loaded[0].tokenizer);
    std::vector<RunDescription> runs;
    std::vector<Json> identities;
    for (size_t i = 0; i < loaded.size(); ++i) {
      runs.push_back(Describe(loaded[i], options[i], asked));
      identities.push_back(runs.back().identity);
    }
    RefuseOtherRun(folder, "knockout", identities, a_.facts.output.others());
    const std::vector<std::string> names = StoreNames(a_.models);
    std::vector<std::optional<ResultStore>> stores;
    for (size_t i = 0; i < loaded.size(); ++i)
      stores.push_back(OpenStore(names[i], a_.facts, folder, runs[i]));
    const FactWork work =
        ChooseFacts(common, a_.facts, asked, loaded[0].model, loaded[0].tokenizer, others);
    std::vector<KnockoutResult> results;
    for (size_t i = 0; i < loaded.size(); ++i)
      results.push_back(RunModel(loaded[i], options[i], names[i],
                                 WorkFor(loaded[i], a_.facts, work), runs[i], stores[i]));
    std::string text = FactsText(work.pairs.size(), work.relations);
    for (const KnockoutResult& result : results)
      text += (text.empty() ? "" : "\n") + KnockoutText(result);
    WriteResults("knockout", common, folder, KnockoutJson(results), KnockoutPage(results),
                 text + "\n");
  }

 private:
  RunDescription Describe(const LoadedModel& one, const KnockoutOptions& options,
                          const AskedFacts& asked) {
    RunDescription run = DescribeRun("knockout", *this, one.common);
    DescribeKnockout(a_, options, WindowLength(a_, one.model), run);
    DescribeFacts(asked, run);
    return run;
  }

  KnockoutResult RunModel(const LoadedModel& one, KnockoutOptions options, const std::string& name,
                          const FactWork& work, const RunDescription& run,
                          std::optional<ResultStore>& store) {
    if (work.relations.empty()) CheckSets(options, work.pairs.at(0).clean);
    KnockoutResult result{.options = run.options,
                          .name = one.name,
                          .mode = a_.mode,
                          .window = WindowLength(a_, one.model),
                          .windows = a_.around_layers() ? KnockoutResult::Windows::kAround
                                                        : KnockoutResult::Windows::kWhole,
                          .x = options.places,
                          .flows = ListFlows(options),
                          .channels = {},
                          .facts = {},
                          .relations = work.relations};
    for (const ChannelGroup& group : options.channels) result.channels.push_back(group.name);
    result.facts = RunFacts<KnockedFact>(
        name, one.common, a_.facts, one.model, work, store,
        [&](const std::vector<FactPair>& pairs, const CellOptions& cells, Audit& audit) {
          if (options.ablation && options.ablation->means.empty())
            TakeMeans(one, a_, *options.ablation);
          options.cells = cells;
          std::vector<KnockedFact> found = KnockOut(one.model, pairs, options, audit);
          for (KnockedFact& fact : found)
            fact.answer = one.tokenizer.DecodeToken(fact.answer_id).value_or("");
          return found;
        });
    result.summary = SummarizeKnockouts(result);
    return result;
  }

  KnockoutArguments a_;
};

}  // namespace

std::unique_ptr<Command> MakeKnockout() { return std::make_unique<KnockoutCommand>(); }

}  // namespace mambascope
