#include "mambascope/cli/knockout_setup.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>

#include "mambascope/data/corpus.h"
#include "mambascope/error.h"
#include "mambascope/experiments/token_sets.h"
#include "mambascope/experiments/trace.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// The sets that all of `texts` name, each once.
std::vector<std::string> SetsOf(const std::vector<std::string>& texts) {
  std::vector<std::string> sets;
  for (const std::string& text : texts) {
    for (const std::string& set : ParseTokenSets(text)) {
      if (std::find(sets.begin(), sets.end(), set) == sets.end()) sets.push_back(set);
    }
  }
  return sets;
}

CutKind KindOf(const KnockoutArguments& a, const Model& model) {
  if (a.mode == "cut-conv") return CutKind::kMixingAndConv;
  if (a.compat == "knockout" && model.config().architecture == Architecture::kLlama) return CutKind::kBidirectional;
  if (a.compat == "knockout" && model.config().architecture == Architecture::kGpt2) return CutKind::kEmptyRowsUniform;
  return CutKind::kMixing;
}

ChannelGroup Heads(const std::string& text, const Model& model) {
  const auto heads = static_cast<int>(model.config().attention.heads);
  if (heads == 0) throw Error("--heads are of attention, which this model has none of");
  at::Tensor mask = at::zeros({heads}, at::kBool);
  for (const int head : ParseHeads(text, heads)) mask[head] = true;
  return {.name = "heads " + text, .blocked = std::vector<at::Tensor>(static_cast<size_t>(model.layers()), mask)};
}

std::vector<std::string> DefaultSources(const KnockoutArguments& a) {
  if (a.compat == "romba") return {"subject", "subject_last", "non_subject", "last"};
  return {"subject", "relation", "first", "last"};
}

void AddTextOptions(CLI::App& command, KnockoutArguments& a) {
  command.add_option("--text", a.texts,
                     "documents for mean states, a line each (.txt) or in the field 'text' of a line (.jsonl); repeatable; without it, the "
                     "bundled sentences");
  command.add_option("--limit-documents", a.limit_documents, "the first so many, for mean states; 128 without it")
      ->check(CLI::Range(1, 1'000'000'000));
  command.add_option("--max-tokens", a.max_tokens, "of a document, for mean states; 128 without it")->check(CLI::Range(1, 1'000'000));
}

}  // namespace

void AddKnockoutOptions(CLI::App& command, KnockoutArguments& a) {
  command
      .add_option(
          "--model", a.models,
          "checkpoint folder, or demo, demo-mamba2, demo-neox; repeatable: facts that all know, curves by depth; all are in memory at "
          "once, and --tokenizer is for those that have none")
      ->capture_default_str();
  AddFactOptions(command, a.facts);
  command.add_option(
      "--from", a.from,
      fmt::format("sources: sets of tokens, as subject,last; repeatable. They are {}; or tokens from 0, as 0,3-5. Without it "
                  "subject,relation,first,last",
                  fmt::join(kTokenSets, ", ")));
  command.add_option("--to", a.to, "targets, in the same words; a curve for each pair; without it, last");
  command
      .add_option(
          "--mode", a.mode,
          "cut: the recurrence or the attention hands nothing of the sources to the targets; cut-conv: nor does the convolution; mean: "
          "the sources' conv_in becomes the layer's mean, for all that read them")
      ->check(CLI::IsMember({"cut", "cut-conv", "mean"}))
      ->capture_default_str();
  command.add_option("--window", a.window, "layers knocked out together; without it, the paper's share, 9 of 64")
      ->check(CLI::Range(1, 1'000'000));
  command.add_option("--heads", a.heads, "attention heads that are cut, as 0-3; without it, all");
  command.add_flag("--heatmap", a.heatmap, "each token alone, too: p(answer) by token and window, to the last token");
  command
      .add_option(
          "--compat", a.compat,
          "readings of public implementations. knockout (with cut): Llama, Mistral and Qwen read later tokens, too, inside the window; "
          "GPT-2's rows that have nothing left to read read all tokens alike. romba (with mean): windows around each layer, cut off "
          "at the model's ends, of 10 of 64 layers, and the sets subject, subject_last, non_subject, last")
      ->check(CLI::IsMember({"none", "knockout", "romba"}))
      ->capture_default_str();
  command
      .add_option(
          "--restore", a.restore,
          "with mean: conv_in of the other tokens before the last is held at the base run's inside the window (others, the default), "
          "or nothing is (none)")
      ->check(CLI::IsMember({"others", "none"}));
  AddTextOptions(command, a);
}

void CheckKnockout(const KnockoutArguments& a) {
  const auto refuse = [](bool when, const char* what) {
    if (when) throw CLI::ValidationError(what);
  };
  refuse(a.ablates() && !a.to.empty(), "--to is of cuts: with --mode mean the sources are ablated for all that read them");
  refuse(a.ablates() && a.heads, "--heads are of cuts, not of --mode mean");
  refuse(!a.ablates() && (a.restore || !a.texts.empty() || a.limit_documents || a.max_tokens),
         "--restore, --text, --limit-documents and --max-tokens are of --mode mean");
  refuse(a.compat == "knockout" && a.mode != "cut", "--compat knockout is of --mode cut");
  refuse(a.compat == "romba" && !a.ablates(), "--compat romba is of --mode mean");
}

KnockoutOptions SetUpKnockout(const KnockoutArguments& a, const Model& model) {
  KnockoutOptions options{.from = a.from.empty() ? DefaultSources(a) : SetsOf(a.from),
                          .to = a.to.empty() ? std::vector<std::string>{"last"} : SetsOf(a.to),
                          .kind = KindOf(a, model),
                          .heatmap = a.heatmap};
  const int window = WindowOf(a, model);
  options.windows = a.compat == "romba" ? WindowsAround(model.layers(), window) : WholeWindows(model.layers(), window);
  if (a.heads) options.channels = {Heads(*a.heads, model)};
  if (a.ablates()) {
    ParseSite(SiteName(Site::kConvIn), model.sites());
    options.ablation = MeanAblation{.means = {}, .others = a.restore == "none" ? MeanAblation::Others::kFree : MeanAblation::Others::kHeld};
  }
  return options;
}

int WindowOf(const KnockoutArguments& a, const Model& model) {
  if (a.window > 0) return a.window;
  return a.compat == "romba" ? DefaultWindow(Site::kConvIn, model.layers()) : DefaultKnockoutWindow(model.layers());
}

std::vector<int> PlacesOf(const KnockoutArguments& a, const KnockoutOptions& options) {
  std::vector<int> places;
  for (size_t w = 0; w < options.windows.size(); ++w)
    places.push_back(a.compat == "romba" ? static_cast<int>(w) : static_cast<int>(options.windows[w].begin));
  return places;
}

std::vector<fs::path> TextsOf(const KnockoutArguments& a) {
  if (a.texts.empty()) return {BundledText()};
  return {a.texts.begin(), a.texts.end()};
}

MeanStateOptions MeanOptionsOf(const KnockoutArguments& a) {
  MeanStateOptions options;
  options.documents = a.limit_documents.value_or(options.documents);
  options.max_tokens = a.max_tokens.value_or(options.max_tokens);
  return options;
}

Json EchoKnockout(const KnockoutArguments& a, const KnockoutOptions& options, int window) {
  Json json = {{"from", options.from},
               {"to", a.ablates() ? Json() : Json(options.to)},
               {"mode", a.mode},
               {"window", window},
               {"compat", a.compat},
               {"heads", a.heads ? Json(*a.heads) : Json()},
               {"heatmap", a.heatmap},
               {"answers", a.facts.all_facts ? "the object's first token"
                           : a.facts.answer  ? "the first token of --answer"
                                             : "the most probable token"}};
  if (!a.ablates()) return json;
  const MeanStateOptions means = MeanOptionsOf(a);
  json.update({{"restore", a.restore.value_or("others")},
               {"texts", a.texts},
               {"text_fingerprint", Summarize(TextsOf(a), means.documents).fingerprint},
               {"limit_documents", means.documents},
               {"max_tokens", means.max_tokens}});
  return json;
}

}  // namespace mambascope
