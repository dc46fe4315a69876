#include "mambascope/cli/moments.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/output.h"
#include "mambascope/cli/progress.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/moments_result.h"
#include "mambascope/reports/moments_report.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// The projections by the place that they read; two that read the same one share its moments.
std::map<Place, std::vector<std::string>> ReadPlaces(const std::vector<EditPlace>& weights,
                                                     const Model& model) {
  std::map<Place, std::vector<std::string>> places;
  for (const EditPlace& weight : weights)
    places[KeyPlace(model, weight.layer, weight.projection)].push_back(weight.projection);
  return places;
}

void Explain(const MomentOptions& options, const CorpusSummary& corpus, const Model& model) {
  int64_t bytes = 0;
  for (const Place& place : options.places) bytes += model.width(place) * model.width(place) * 8;
  fmt::print(
      stderr,
      "plan: {} second moments, {} MB, from one pass over {} documents; {} more are held out\n",
      options.places.size(), bytes >> 20, corpus.documents - HeldOut(corpus.documents),
      HeldOut(corpus.documents));
}

// What a run's files depend on: they may hold fewer layers than another run's, and continue them.
RunDescription DescribeMoments(RunDescription run, double ridge, int64_t max_tokens,
                               const CorpusSummary& corpus) {
  run.DependsOn("text_fingerprint", corpus.fingerprint);
  run.DependsOn("ridge", ridge);
  run.DependsOn("max_tokens", max_tokens);
  run.Ignores("seed");
  return run;
}

// Collects, and shows progress.
std::vector<MomentResult> Collect(const CommonArguments& common, const std::string& what,
                                  const Model& model, const Tokenizer& tokenizer,
                                  const CorpusSummary& corpus, const fs::path& folder,
                                  const RunDescription& run, MomentOptions options,
                                  OtherRuns other) {
  if (other == OtherRuns::kReplace) options.others = MomentOptions::Others::kReplace;
  options.model = run.options.at("fingerprint");
  options.made_by = FingerprintText(DumpJson(run.identity));
  std::optional<Progress> progress;
  options.progress = [&](int64_t documents, int64_t of, int64_t tokens) {
    if (!progress) progress.emplace(what, "tokens", common.quiet, static_cast<double>(documents));
    (*progress)(static_cast<double>(documents), of, tokens);
  };
  return CollectMoments(model, tokenizer, corpus, folder, options);
}

class MomentsCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    option.Topic("Text");
    option(&texts_, {.names = "--text",
                     .help = "Documents: one per line (.txt), or in the field 'text' of each line "
                             "(.jsonl); repeatable",
                     .otherwise = "the bundled sentences",
                     .decides = Decides::kSelection,
                     .key = "texts"});
    option.Topic("Weights");
    option(&layers_, {.names = "--layers",
                      .help = "Layers, as 3, 0-15, 2,4,6 or all",
                      .decides = Decides::kSelection});
    option(&projections_, {.names = "--projections",
                           .help = "Projections whose inputs are taken, as W_a,W_o, or all",
                           .list = List::kCommas,
                           .decides = Decides::kSelection});
    option.Topic("Convergence");
    option(&ridge_, {.names = "--ridge",
                     .help = "Share of C's mean diagonal that is added to it where convergence is "
                             "watched; the files have none",
                     .bounds = Numbers{0, 1e6}});
    option.Topic("Text");
    option(&limit_documents_, {.names = "--limit-documents",
                               .help = "Maximum number of documents, the first ones",
                               .otherwise = "all",
                               .bounds = Integers{2, 1'000'000'000},
                               .decides = Decides::kSelection});
    option(&max_tokens_, {.names = "--max-tokens",
                          .help = "Maximum number of tokens of a document",
                          .bounds = Integers{1, 1'000'000}});
    option.Topic("Output");
    VisitOutputOptions(output_, "out/moments-MODEL", option);
  }

  void Run() override {
    const OutputFolder folder(output_.folder.value_or(DefaultFolder("moments", {common.model})),
                              {"moments.json", "moments.html"});
    const Tokenizer tokenizer = RequireTokenizer(common);
    MomentOptions options{.texts = TextFiles(texts_),
                          .limit_documents = limit_documents_.value_or(0),
                          .ridge = ridge_};
    const CorpusSummary corpus = SummarizeCorpus(options.texts, options.limit_documents);
    const Model model = LoadModel(common, &tokenizer);
    options.max_tokens = model.CutLength(max_tokens_);
    RunDescription run =
        DescribeMoments(DescribeRun("moments", *this), ridge_, options.max_tokens, corpus);
    RefuseOtherRun(folder, "moments", {run.identity}, output_.others());
    MomentsResult result{
        .options = {},
        .projections = ReadPlaces(ParseEditPlaces(layers_, projections_, model), model),
        .moments = {}};
    run.Mentions("projections", ParseProjections(projections_, model));
    result.options = run.options;
    for (const auto& [place, projections] : result.projections) options.places.push_back(place);
    if (common.explain) Explain(options, corpus, model);
    result.moments = Collect(common, "moments: documents", model, tokenizer, corpus,
                             folder / "moments", run, options, output_.others());
    WriteResults("moments", common, folder, result, MomentsPage(result),
                 MomentsText(result) + (folder / "moments").string() + "\n");
  }

 private:
  std::vector<std::string> texts_;
  std::string layers_ = "all";
  std::vector<std::string> projections_ = {"all"};
  double ridge_ = 0;
  std::optional<int64_t> limit_documents_;
  int64_t max_tokens_ = MomentOptions().max_tokens;
  OutputArguments output_;
};

}  // namespace

void CollectForEdits(const CommonArguments& common, const Model& model, const Tokenizer& tokenizer,
                     const std::vector<std::string>& texts, const std::vector<Place>& places,
                     const fs::path& folder, OtherRuns other) {
  MomentOptions options{.places = places,
                        .texts = TextFiles(texts),
                        .max_tokens = model.CutLength(MomentOptions().max_tokens)};
  const CorpusSummary corpus = SummarizeCorpus(options.texts);
  const RunDescription run =
      DescribeMoments(DescribeModel("moments", common), options.ridge, options.max_tokens, corpus);
  Collect(common, "second moments: documents", model, tokenizer, corpus, folder, run, options,
          other);
}

std::unique_ptr<Command> MakeMoments() { return std::make_unique<MomentsCommand>(); }

}  // namespace mambascope
