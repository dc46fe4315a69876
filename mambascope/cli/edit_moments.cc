#include "mambascope/cli/edit_moments.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/data/corpus.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/moments_file.h"
#include "mambascope/plural.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kPerplexityDocuments = 64, kPerplexityTokens = 512;

fs::path ChooseCache(const CommonArguments& common, const EditTextArguments& o) {
  if (!o.cache.empty()) return o.cache;
  try {
    const fs::path cache = UserMomentsCache();
    PrepareFolder(cache);
    return cache;
  } catch (const Error& e) {
    Warn(common, fmt::format("second moments are kept in {} and not for all edits: {}",
                             (o.out / "moments").string(), e.what()));
    return o.out / "moments";
  }
}

// The files or folders to read each place's moments from.
std::map<Place, fs::path> FindMomentFiles(const CommonArguments& common, const EditTextArguments& o,
                                          const EditedModel& edited,
                                          const std::set<Place>& places) {
  std::map<Place, fs::path> files;
  for (const Place& place : places) files[place] = o.moments;
  if (!o.moments.empty()) return files;
  if (o.texts.empty() && !edited.IsBundled())
    Warn(common,
         fmt::format("the second moments of {} are taken over the bundled demo sentences, which "
                     "are not text like that it was trained on. Give such text with --text",
                     edited.name));
  return CachedMoments(common, edited.model, edited.tokenizer,
                       {.texts = o.texts, .max_tokens = o.max_tokens},
                       {places.begin(), places.end()}, ChooseCache(common, o), edited.base);
}

// "mixed.3: 8 tokens for a width of 384"
std::string MomentsLine(const std::string& name, const Moments& moments) {
  return fmt::format("{}: {} for a width of {}", name, Count(moments.count, "token"),
                     moments.sum.size(0));
}

// Solves with the ridge that was given, or else with the least that is needed: 0 or kSmallRidge.
MomentSolver MakeSolver(const EditTextArguments& o, const std::string& name, const Moments& moments,
                        at::Device device) {
  const Moments there{.sum = moments.sum.to(device), .count = moments.count};
  MomentSolver solver(there, o.ridge.value_or(0));
  if (solver.singular() && !o.ridge) {
    solver.MoveToCpu();  // a GPU may lack room for two factors
    solver = MomentSolver(there, kSmallRidge);
  }
  solver.MoveToCpu();
  if (solver.singular())
    throw Error(fmt::format("the second moments are singular at {}", MomentsLine(name, moments)),
                "take more text (--text, --moments) or a larger ridge (--ridge 1e-2)");
  return solver;
}

}  // namespace

bool EditedModel::IsBundled() const { return IsBundledModel(base.empty() ? fingerprint : base); }

EditMoments TakeEditMoments(const CommonArguments& common, const EditTextArguments& o,
                            const EditedModel& edited, const std::set<Place>& places) {
  EditMoments taken;
  std::vector<std::string> singular;
  std::set<std::string> accepted = {edited.fingerprint};
  if (!edited.base.empty()) accepted.insert(edited.base);
  for (const auto& [place, file] : FindMomentFiles(common, o, edited, places)) {
    const std::string name = PlaceName(place);
    const StoredMoments stored =
        ReadStoredMoments(file, place, edited.model.width(place), accepted);
    const MomentSolver& solver =
        taken.solvers.emplace(place, MakeSolver(o, name, stored.moments, edited.model.device()))
            .first->second;
    taken.echo[name] = {{"tokens", stored.moments.count},
                        {"digest", FingerprintTensor(stored.moments.sum)}};
    if (!o.ridge && solver.ridge() > 0) {
      taken.echo[name]["ridge"] = solver.ridge();
      singular.push_back(MomentsLine(name, stored.moments));
    }
    taken.of_base = taken.of_base || (!edited.base.empty() && stored.model == edited.base);
  }
  if (!singular.empty())
    Warn(common,
         fmt::format("the second moments are singular, so a ridge of {} is added ({}). With "
                     "more text (--text) an edit disturbs less; --ridge sets the ridge",
                     kSmallRidge, fmt::join(singular, "; ")));
  if (taken.of_base)
    Note(common, fmt::format("{} is an edited checkpoint; the second moments are those of the "
                             "model before its edits",
                             edited.name));
  return taken;
}

PerplexityTexts TakePerplexityTexts(const CommonArguments& common, const EditTextArguments& o,
                                    const EditedModel& edited) {
  const bool collected = o.moments.empty();  // then there is a text
  if (o.texts.empty() && !collected) {
    if (!edited.IsBundled()) {
      Note(common, "the perplexity is not measured, because no text was given (--text)");
      return {};
    }
    if (!FindBundled(kBundledText)) {
      Note(common,
           "the perplexity is not measured, because the bundled text is missing; --text "
           "takes another");
      return {};
    }
  }
  const CorpusLimits limits{
      .documents = kPerplexityDocuments,
      .tokens = edited.model.CutLength(std::min(kPerplexityTokens, o.max_tokens)),
      .fewest = 2};
  PerplexityTexts texts{ReadDocumentIds(edited.tokenizer, TextFiles(o.texts), limits), ""};
  if (!texts.documents.empty())
    texts.name = o.texts.empty() ? "bundled" : fmt::format("{}", fmt::join(o.texts, ", "));
  return texts;
}

}  // namespace mambascope
