#include "mambascope/cli/moments.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/progress.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/moments_run.h"
#include "mambascope/reports/moments_report.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

struct MomentsArguments {
  std::vector<std::string> texts;
  std::string layers = "all";
  std::vector<std::string> projections = {"all"};
  double ridge = 0;
  int64_t limit_documents = 0, max_tokens = MomentOptions().max_tokens;
  std::string out = "out";
};

// The projections by the site that they read; two that read the same one share its moments.
std::map<Site, std::vector<std::string>> ProjectionsBySite(const std::vector<std::string>& names, const Model& model) {
  std::map<Site, std::vector<std::string>> sites;
  for (const std::string& name : names) sites[model.editable(model.LayersWith(name).front(), name).key].push_back(name);
  return sites;
}

std::vector<Place> Places(const std::string& layers, const std::map<Site, std::vector<std::string>>& sites, const Model& model) {
  std::vector<Place> places;
  for (const auto& [site, names] : sites) {
    std::set<int> having;
    for (const std::string& name : names) {
      const std::vector<int> own = ParseEditLayers(layers, name, model);
      having.insert(own.begin(), own.end());
    }
    for (const int layer : having) places.push_back({site, layer});
  }
  return places;
}

// The tokens at which C^-1 k changed by less than `bound` since half as many.
std::string TokensUntil(const Convergence& convergence, double bound) {
  for (size_t i = 0; i < convergence.tokens.size(); ++i) {
    if (convergence.change[i] && *convergence.change[i] < bound) return std::to_string(convergence.tokens[i]);
  }
  return "-";
}

std::string Summary(const MomentsReport& report) {
  std::string text = fmt::format("{:<16}{:>6}{:>10}{:>11}{:>13}{:>13}{:>13}\n", "site.layer", "width", "tokens", "condition", "last change",
                                 "below 10 %", "below 1 %");
  for (const MomentResult& m : report.moments) {
    std::string last = "-";
    if (!m.convergence.change.empty() && m.convergence.change.back()) last = fmt::format("{:.3g}", *m.convergence.change.back());
    text += fmt::format("{:<16}{:>6}{:>10}{:>11.1e}{:>13}{:>13}{:>13}\n", fmt::format("{}.{}", SiteName(m.place.site), m.place.layer),
                        m.width, m.tokens, m.condition, last, TokensUntil(m.convergence, 0.1), TokensUntil(m.convergence, 0.01));
  }
  return text;
}

void Explain(const MomentOptions& options, const CorpusSummary& corpus, const Model& model) {
  int64_t bytes = 0;
  for (const Place& place : options.places) bytes += model.width(place) * model.width(place) * 8;
  fmt::print(stderr, "plan: {} second moments, {} MB, from one pass over {} documents; {} more are held out\n", options.places.size(),
             bytes >> 20, corpus.documents - HeldOut(corpus.documents), HeldOut(corpus.documents));
}

// What the numbers depend on, of the options in the result.
std::string MadeBy(Json options) {
  for (const char* no_matter : {"commit", "layers", "projections", "texts", "limit_documents", "model", "tokenizer", "seed"})
    options.erase(no_matter);
  return FingerprintText(DumpJson(options));
}

Json Echo(const CommonOptions& common, const MomentsArguments& o, const CorpusSummary& corpus) {
  return EchoOptions("moments", common,
                     {{"texts", o.texts},
                      {"text_fingerprint", corpus.fingerprint},
                      {"ridge", o.ridge},
                      {"limit_documents", o.limit_documents > 0 ? Json(o.limit_documents) : Json()},
                      {"max_tokens", o.max_tokens}});
}

void RunMoments(const CommonOptions& common, const MomentsArguments& o) {
  const fs::path json_file = fs::path(o.out) / "moments.json", page_file = fs::path(o.out) / "moments.html";
  for (const fs::path& file : {json_file, page_file}) PrepareFile(file);
  const Tokenizer tokenizer = RequireTokenizer(common);
  MomentOptions options{
      .texts = {o.texts.begin(), o.texts.end()}, .limit_documents = o.limit_documents, .max_tokens = o.max_tokens, .ridge = o.ridge};
  if (options.texts.empty()) options.texts = {BundledText()};
  const CorpusSummary corpus = Summarize(options.texts, o.limit_documents);
  const Model model = LoadModel(common);
  const std::vector<std::string> names = ParseProjections(o.projections, model);
  MomentsReport report{.options = {}, .projections = ProjectionsBySite(names, model), .moments = {}};
  report.options = Echo(common, o, corpus);
  report.options.update({{"layers", o.layers}, {"projections", names}});
  options.places = Places(o.layers, report.projections, model);
  options.model = report.options["fingerprint"];
  options.made_by = MadeBy(report.options);
  if (common.explain) Explain(options, corpus, model);
  std::optional<Progress> progress;
  options.progress = [&](int64_t documents, int64_t of, int64_t tokens) {
    if (!progress) progress.emplace("moments: documents", "tokens", common.quiet, static_cast<double>(documents));
    (*progress)(static_cast<double>(documents), of, tokens);
  };
  report.moments = CollectMoments(model, tokenizer, corpus, fs::path(o.out) / "moments", options);
  progress.reset();
  const Json json = MomentsJson(report);
  WriteFile(json_file, DumpJson(json, 1) + "\n");
  WriteFile(page_file, MomentsPage(report));
  Print(common, json,
        fmt::format("{}{}\n{}\n{}\n", Summary(report), (fs::path(o.out) / "moments").string(), json_file.string(), page_file.string()));
}

}  // namespace

void CollectForEdits(const CommonOptions& common, const Model& model, const Tokenizer& tokenizer, const std::vector<std::string>& texts,
                     const std::vector<Place>& places, const fs::path& folder) {
  MomentsArguments o{.texts = texts};
  if (o.texts.empty()) o.texts = {BundledText().string()};
  MomentOptions options{.places = places, .texts = {o.texts.begin(), o.texts.end()}, .max_tokens = o.max_tokens};
  const CorpusSummary corpus = Summarize(options.texts);
  const Json echo = Echo(common, o, corpus);
  options.model = echo["fingerprint"];
  options.made_by = MadeBy(echo);
  std::optional<Progress> progress;
  options.progress = [&](int64_t documents, int64_t of, int64_t tokens) {
    if (!progress) progress.emplace("second moments: documents", "tokens", common.quiet, static_cast<double>(documents));
    (*progress)(static_cast<double>(documents), of, tokens);
  };
  CollectMoments(model, tokenizer, corpus, folder, options);
}

void MomentsCommand(CLI::App& command, CommonOptions& common) {
  const auto o = std::make_shared<MomentsArguments>();
  command.add_option(
      "--text", o->texts,
      "documents, a line each (.txt) or in the field 'text' of a line (.jsonl); repeatable; without it, the bundled sentences");
  command.add_option("--layers", o->layers, "as 3, 0-15, 2,4,6 or all")->capture_default_str();
  command.add_option("--projections", o->projections, "whose inputs are taken, as W_a,W_o; or all")->delimiter(',')->capture_default_str();
  command.add_option("--ridge", o->ridge, "part of C's mean diagonal added to it where convergence is watched; the files have none")
      ->check(NumberIn(0.0, 1e6))
      ->capture_default_str();
  command.add_option("--limit-documents", o->limit_documents, "the first so many; without it, all")->check(CLI::Range(2, 1'000'000'000));
  command.add_option("--max-tokens", o->max_tokens, "of a document")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  command.add_option("--out", o->out, "folder for the results")->capture_default_str();
  command.callback([&common, o] { RunMoments(common, *o); });
}

}  // namespace mambascope
