#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/facts_run.h"
#include "mambascope/cli/knockout_setup.h"
#include "mambascope/cli/progress.h"
#include "mambascope/experiments/facts/token_sets.h"
#include "mambascope/experiments/knockout/knockout_result.h"
#include "mambascope/experiments/knockout/mean_states.h"
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

// Takes the mean states of some texts, to the CPU.
void TakeMeans(const LoadedModel& one, const KnockoutArguments& a, MeanAblation& ablation) {
  Progress progress({.what = "mean states: documents", .unit = "documents"}, one.common.progress());
  const std::vector<std::vector<int64_t>> texts = TextIds(a, one.model(), one.tokenizer);
  ablation.means = MeanStates(one.model(), texts, Site::kConvIn, [&](size_t done) {
    progress(static_cast<double>(done), static_cast<int64_t>(texts.size()),
             static_cast<int64_t>(done));
  });
  for (at::Tensor& mean : ablation.means) {
    if (mean.defined()) mean = mean.cpu();
  }
}

KnockoutOptions OnDevice(KnockoutOptions options, at::Device device) {
  const auto send = [&](std::vector<at::Tensor>& tensors) {
    for (at::Tensor& x : tensors) {
      if (x.defined()) x = x.to(device);
    }
  };
  for (ChannelGroup& group : options.channels) send(group.blocked);
  if (options.ablation) send(options.ablation->means);
  return options;
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
  void VisitOptions(OptionVisitor& option) override {
    VisitKnockoutOptions(a_, option);
    VisitShardOption(common, option);
    VisitDevicesOption(common, option);
  }
  void VisitModel(OptionVisitor& option) override { VisitModels(a_.models, option); }
  void VisitCompat(OptionVisitor& /*option*/) override {}  // among its own
  bool HasCheck() const override { return true; }
  bool HasPlan() const override { return true; }
  bool HasShard() const override { return a_.facts.FromFiles(); }
  void Check() const override {
    CheckKnockout(a_);
    CheckFacts(a_.facts);
    CheckModels(a_.models, a_.facts);
  }

  void Run() override {
    common.compat = a_.compat;
    std::vector<KnockoutOptions> options;
    FactsRun run("knockout", common, a_.facts, a_.models, {""}, a_.mode,
                 [&](const LoadedModel& one, const AskedFacts& asked) {
                   const Progress progress({.what = "knockout: groups of channels"},
                                           common.progress());
                   options.push_back(SetUpKnockout(a_, one.model(), one.tokenizer));
                   return std::vector{Describe(one, options.back(), asked)};
                 });
    std::vector<KnockoutResult> results;
    for (size_t i = 0; i < run.models.size(); ++i) {
      if (a_.facts.all_facts) AnswerByObjects(run.models[i].tokenizer, run.work[i]);
      CheckSets(options[i], run.work[i].pairs);
      results.push_back(RunModel(run.models[i], options[i], run.names[i][0], run.work[i],
                                 run.runs[i][0], run.stores[i]));
    }
    WriteResults("knockout", common, a_.facts.output, run.folder,
                 {KnockoutJson(results), KnockoutPage(results), KnockoutText(results),
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
                          .mixers = {},
                          .facts = {},
                          .relations = work.relations};
    for (const ChannelGroup& group : options.channels) {
      result.channels.push_back(group.name);
      result.mixers.push_back(!group.mixers                      ? "all"
                              : group.mixers == MixerKind::kScan ? "mamba"
                                                                 : "attention");
    }
    for (const WindowSet& set : options.windows) result.lengths.push_back({set.length, set.places});
    int64_t rows = options.heatmap
                       ? kUsualTokens * static_cast<int64_t>(options.windows[0].windows.size())
                       : 0;
    for (const Flow& flow : result.flows)
      rows += static_cast<int64_t>(options.windows[flow.windows].windows.size());
    std::once_flag means;
    std::vector<std::vector<KnockedFact>> facts = RunFacts<KnockedFact>(
        name, one, a_.facts, work, {.rows = rows}, stores,
        [&](const Model& model, const std::vector<FactPair>& pairs,
            const std::vector<FactPart>& /*parts*/, const CellOptions& cells, Audit& audit) {
          if (options.ablation)
            std::call_once(means, [&] { TakeMeans(one, a_, *options.ablation); });
          KnockoutOptions own = OnDevice(options, model.device());
          own.cells = cells;
          std::vector<KnockedFact> found = KnockOut(model, pairs, own, audit);
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
