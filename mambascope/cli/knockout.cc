#include <fmt/format.h>

#include <algorithm>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/knockout_setup.h"
#include "mambascope/cli/models.h"
#include "mambascope/cli/progress.h"
#include "mambascope/experiments/knockout/knockout_result.h"
#include "mambascope/experiments/knockout/mean_states.h"
#include "mambascope/experiments/knockout/token_sets.h"
#include "mambascope/reports/fact_text.h"
#include "mambascope/reports/knockout_page.h"
#include "mambascope/reports/knockout_text.h"
#include "mambascope/reports/result_tables.h"

namespace mambascope {
namespace {

// The answers are the objects where facts need not be known.
void AnswerByObjects(const Tokenizer& tokenizer, FactWork& work) {
  for (size_t i = 0; i < work.facts.size(); ++i)
    work.pairs[i].answer_id = FirstToken(tokenizer, work.facts[i].object);
}

void TakeMeans(const LoadedModel& one, const KnockoutArguments& a, MeanAblation& ablation) {
  Progress progress({.what = "mean states: documents", .unit = "documents"}, one.common.quiet);
  const std::vector<std::vector<int64_t>> texts = TextIds(a, one.model, one.tokenizer);
  ablation.means = MeanStates(one.model, texts, Site::kConvIn, [&](size_t done) {
    progress(static_cast<double>(done), static_cast<int64_t>(texts.size()),
             static_cast<int64_t>(done));
  });
}

// A set of tokens that no fact has is a mistake.
void CheckSets(const KnockoutOptions& options, const std::vector<FactPair>& pairs) {
  const auto longest =
      std::max_element(pairs.begin(), pairs.end(), [](const FactPair& a, const FactPair& b) {
        return a.clean.tokens.size() < b.clean.tokens.size();
      });
  for (const auto* sets : {&options.from, &options.to}) {
    for (const std::string& set : *sets)
      CheckTokens(set, longest->clean, pairs.size() == 1 ? "the prompt" : "the longest prompt");
  }
}

class KnockoutCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override { VisitKnockoutOptions(a_, option); }
  void VisitModel(OptionVisitor& option) override { VisitModels(a_.models, option); }
  void VisitCompat(OptionVisitor& /*option*/) override {}  // among its own
  void Check() const override {
    CheckKnockout(a_);
    CheckFacts(a_.facts);
    CheckModels(a_.models, a_.facts);
  }

  void Run() override {
    common.compat = a_.compat;
    const std::vector<std::vector<std::string>> names = StoreNames("knockout", a_.models, {""});
    const OutputFolder folder =
        OpenFolder("knockout", a_.facts, DefaultFolder("knockout", a_.models, a_.mode), names);
    const std::vector<LoadedModel> loaded = LoadModels(common, a_.models);
    std::vector<KnockoutOptions> options;
    for (const LoadedModel& one : loaded) {
      const Progress progress({.what = "knockout: groups of channels"}, common.quiet);
      options.push_back(SetUpKnockout(a_, one.model, one.tokenizer));
    }
    const std::vector<AskedFacts> asked = ReadFacts(common, a_.facts, loaded);
    std::vector<RunDescription> runs;
    std::vector<Json> identities;
    for (size_t i = 0; i < loaded.size(); ++i) {
      runs.push_back(Describe(loaded[i], options[i], asked[i]));
      identities.push_back(runs.back().identity);
    }
    RefuseOtherRun(folder, "knockout", identities, a_.facts.output.others());
    std::vector<FactStores> stores;
    for (size_t i = 0; i < loaded.size(); ++i)
      stores.emplace_back(names[i], a_.facts, folder, std::vector<RunDescription>{runs[i]});
    std::vector<FactWork> work = ChooseFacts(common, a_.facts, asked, loaded);
    std::vector<KnockoutResult> results;
    for (size_t i = 0; i < loaded.size(); ++i) {
      if (a_.facts.all_facts) AnswerByObjects(loaded[i].tokenizer, work[i]);
      CheckSets(options[i], work[i].pairs);
      results.push_back(RunModel(loaded[i], options[i], names[i][0], work[i], runs[i], stores[i]));
    }
    std::string text = FactsText(work[0].pairs.size(), work[0].relations);
    for (const KnockoutResult& result : results)
      text += (text.empty() ? "" : "\n") + KnockoutText(result);
    WriteResults("knockout", common, a_.facts.output, folder,
                 {KnockoutJson(results), KnockoutPage(results), text + "\n",
                  [&] { return MakeTable(results); }});
  }

 private:
  RunDescription Describe(const LoadedModel& one, const KnockoutOptions& options,
                          const AskedFacts& asked) {
    RunDescription run = DescribeRun("knockout", *this, one.common);
    DescribeKnockout(a_, options, run);
    DescribeFacts(asked, run);
    return run;
  }

  KnockoutResult RunModel(const LoadedModel& one, KnockoutOptions options, const std::string& name,
                          const FactWork& work, const RunDescription& run, FactStores& stores) {
    KnockoutResult result{.options = run.options,
                          .name = one.name,
                          .mode = a_.mode,
                          .windows = a_.around_layers() ? KnockoutResult::Windows::kAround
                                                        : KnockoutResult::Windows::kWhole,
                          .lengths = {},
                          .flows = ListFlows(options),
                          .channels = {},
                          .facts = {},
                          .relations = work.relations};
    for (const ChannelGroup& group : options.channels) result.channels.push_back(group.name);
    for (const WindowSet& set : options.windows) result.lengths.push_back({set.length, set.places});
    int64_t rows = options.heatmap
                       ? kUsualTokens * static_cast<int64_t>(options.windows[0].windows.size())
                       : 0;
    for (const Flow& flow : result.flows)
      rows += static_cast<int64_t>(options.windows[flow.windows].windows.size());
    std::vector<std::vector<KnockedFact>> facts = RunFacts<KnockedFact>(
        name, one.common, a_.facts, one.model, work, {.rows = rows}, stores,
        [&](const std::vector<FactPair>& pairs, const std::vector<FactPart>& /*parts*/,
            const CellOptions& cells, Audit& audit) {
          if (options.ablation && options.ablation->means.empty())
            TakeMeans(one, a_, *options.ablation);
          options.cells = cells;
          std::vector<KnockedFact> found = KnockOut(one.model, pairs, options, audit);
          for (KnockedFact& fact : found)
            fact.answer = one.tokenizer.DecodeToken(fact.answer_id).value_or("");
          return found;
        });
    result.facts = std::move(facts[0]);
    result.summary = SummarizeKnockouts(result);
    return result;
  }

  KnockoutArguments a_;
};

}  // namespace

std::unique_ptr<Command> MakeKnockout() { return std::make_unique<KnockoutCommand>(); }

}  // namespace mambascope
