#include "mambascope/cli/moments.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/interrupt.h"
#include "mambascope/cli/output.h"
#include "mambascope/cli/progress.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/moments_result.h"
#include "mambascope/model/kernels/batch_sizes.h"
#include "mambascope/plural.h"
#include "mambascope/reports/moments_report.h"
#include "mambascope/reports/result_tables.h"

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
  for (const Place& place : options.places) bytes += model.width(place) * model.width(place) * 16;
  PrintLine(fmt::format("plan: {}, {} MB of memory, from one reading of {}; {} more held out\n",
                        Count(options.places.size(), "second moment"), bytes >> 20,
                        Count(corpus.documents - HeldOut(corpus.documents), "document"),
                        HeldOut(corpus.documents)));
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
  options.saved = SayThatItGoesOn;
  const Progress beginning({.what = what}, common.progress());
  std::optional<Progress> progress;
  options.progress = [&](int64_t documents, int64_t of, int64_t tokens) {
    if (!progress)
      progress.emplace(ProgressState{.what = what,
                                     .unit = "tokens",
                                     .begun_with = static_cast<double>(documents),
                                     .total = of},
                       common.progress());
    (*progress)(static_cast<double>(documents), of, tokens);
  };
  return CollectMoments(model, tokenizer, corpus, folder, options);
}

// The cache's folder of a run.
fs::path CacheFolder(const fs::path& cache, const RunDescription& run) {
  return cache / run.identity.at("fingerprint").get<std::string>() /
         FingerprintText(DumpJson(run.identity));
}

// The file that says that a place's moments are complete.
fs::path CompletePath(const fs::path& folder, const Place& place) {
  return MomentsPath(folder, place).replace_extension(".json");
}

bool IsComplete(const fs::path& folder, const Place& place) {
  return fs::exists(MomentsPath(folder, place)) && fs::exists(CompletePath(folder, place));
}

// Locks a folder of the cache against other programs, and waits for one that has locked it. The
// system releases the lock when the program ends.
class CacheLock {
 public:
  CacheLock(const CommonArguments& common, const fs::path& folder) {
    PrepareFolder(folder);
    const fs::path file = folder / ".lock";
    lock_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock_ < 0 || flock(lock_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
      return;  // a file system without locks is no reason not to run
    if (!common.quiet)
      PrintLine(fmt::format("another mambascope collects second moments in {}; waiting for it\n",
                            folder.string()));
    while (flock(lock_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~CacheLock() {
    if (lock_ >= 0) close(lock_);
  }
  CacheLock(const CacheLock&) = delete;
  CacheLock& operator=(const CacheLock&) = delete;

 private:
  int lock_ = -1;
};

// Collects the moments at options.places. Those that another program completes meanwhile are not
// collected again.
void CollectIntoCache(const CommonArguments& common, const Model& model, const Tokenizer& tokenizer,
                      const CorpusSummary& corpus, const fs::path& folder,
                      const RunDescription& run, MomentOptions options) {
  const CacheLock lock(common, folder);
  std::erase_if(options.places, [&](const Place& place) { return IsComplete(folder, place); });
  if (options.places.empty()) return;
  Note(common, fmt::format("second moments of {} are collected over {} into {}; later edits read "
                           "them there",
                           Count(options.places.size(), "projection input"),
                           Count(corpus.documents, "document"), folder.string()));
  Collect(common, "second moments: documents", model, tokenizer, corpus, folder, run, options,
          OtherRuns::kRefuse);
  for (const Place& place : options.places)
    WriteFile(CompletePath(folder, place), DumpJson(run.options, 1) + "\n");
}

// Warns of moments from fewer tokens than a key has features.
void WarnOfFewTokens(const CommonArguments& common, const std::vector<MomentResult>& moments) {
  std::vector<std::string> names;
  int64_t tokens = 0, width = 0;
  for (const MomentResult& m : moments) {
    if (m.tokens >= m.width) continue;
    names.push_back(PlaceName(m.place));
    tokens = m.tokens;
    width = std::max(width, m.width);
  }
  if (names.empty()) return;
  constexpr size_t kShown = 3;
  const size_t more = names.size() - std::min(kShown, names.size());
  names.resize(names.size() - more);
  Warn(common, fmt::format("the text has {}, but keys have up to {} features ({}{}): these second "
                           "moments have no inverse. Take more text, or edit with a --ridge",
                           Count(tokens, "token"), width, fmt::join(names, ", "),
                           more > 0 ? fmt::format(" and {} more", more) : ""));
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
                           .help = "Projections whose inputs are measured, as W_a,W_o, or all",
                           .list = List::kCommas,
                           .decides = Decides::kSelection});
    option.Topic("Convergence");
    option(&ridge_,
           {.names = "--ridge",
            .help = "Ridge for the convergence measure only: this share of the mean diagonal of "
                    "the second moments C is added to C. Files hold C without it",
            .bounds = Numbers{0, 1e6}});
    option.Topic("Text");
    option(&limit_documents_, {.names = "--limit-documents",
                               .help = "Maximum number of documents; the first ones are taken",
                               .otherwise = "all",
                               .bounds = Integers{2, 1'000'000'000},
                               .decides = Decides::kSelection});
    option(&max_tokens_, {.names = "--max-tokens",
                          .help = "Maximum number of tokens of a document",
                          .bounds = Integers{1, 1'000'000}});
    option.Topic("Output");
    VisitOutputOptions(output_, "out/moments-MODEL", option);
    VisitShardOption(common, option);
  }
  bool HasPlan() const override { return true; }
  bool HasShard() const override { return true; }

  void Run() override {
    const OutputFolder folder =
        OpenOutput(common, output_, DefaultFolder("moments", {common.model}),
                   {"moments.json", "moments.html"});
    const Tokenizer tokenizer = RequireTokenizer(common);
    MomentOptions options{.texts = TextFiles(texts_),
                          .limit_documents = limit_documents_.value_or(0),
                          .ridge = ridge_,
                          .shard = common.shard};
    const CorpusSummary corpus = SummarizeCorpus(options.texts, options.limit_documents);
    const Model model = LoadModel(common, &tokenizer);
    CheckTokenizer(model, tokenizer);
    options.max_tokens = model.CutLength(max_tokens_);
    options.rows = MomentRows(model.device());
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
    if (!common.shard) WarnOfFewTokens(common, result.moments);
    WriteResults(
        "moments", common, output_, folder,
        {result, MomentsPage(result), MomentsText(result) + (folder / "moments").string() + "\n",
         [&] { return MakeTable(result); }});
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

fs::path UserMomentsCache() {
  if (const std::optional<fs::path> cache = UserCache()) return *cache / "moments";
  throw Error("second moments cannot be kept: neither XDG_CACHE_HOME nor HOME is set",
              "name a folder for them with --cache");
}

std::map<Place, fs::path> CachedMoments(const CommonArguments& common, const Model& model,
                                        const Tokenizer& tokenizer, const MomentText& text,
                                        const std::vector<Place>& places, const fs::path& cache,
                                        const std::string& base) {
  MomentOptions options{.texts = TextFiles(text.texts),
                        .max_tokens = model.CutLength(text.max_tokens),
                        .rows = MomentRows(model.device())};
  const CorpusSummary corpus = SummarizeCorpus(options.texts);
  RunDescription run =
      DescribeMoments(DescribeModel("moments", common), options.ridge, options.max_tokens, corpus);
  std::vector<fs::path> folders = {CacheFolder(cache, run)};
  if (!base.empty()) {
    RunDescription of_base = run;
    of_base.DependsOn("fingerprint", base);
    folders.push_back(CacheFolder(cache, of_base));
  }
  std::map<Place, fs::path> files;
  for (const Place& place : places) {
    const auto found = std::find_if(folders.begin(), folders.end(),
                                    [&](const fs::path& f) { return IsComplete(f, place); });
    files[place] = MomentsPath(found == folders.end() ? folders[0] : *found, place);
    if (found == folders.end()) options.places.push_back(place);
  }
  if (!options.places.empty())
    CollectIntoCache(common, model, tokenizer, corpus, folders[0], run, options);
  return files;
}

std::unique_ptr<Command> MakeMoments() { return std::make_unique<MomentsCommand>(); }

}  // namespace mambascope
