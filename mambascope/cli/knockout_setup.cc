#include "mambascope/cli/knockout_setup.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "mambascope/data/corpus.h"
#include "mambascope/error.h"
#include "mambascope/experiments/facts/token_sets.h"
#include "mambascope/experiments/knockout/features.h"
#include "mambascope/plural.h"

namespace mambascope {
namespace {

constexpr int64_t kDocuments = 128,
                  kTokens =
                      128;  // of texts, as the public implementation of Sharma et al. 2024 has it

// The sets that all of `texts` name, each once.
std::vector<std::string> ParseSets(const std::vector<std::string>& texts) {
  std::vector<std::string> sets;
  for (const std::string& text : texts) {
    for (const std::string& set : ParseTokenSets(text)) {
      if (std::find(sets.begin(), sets.end(), set) == sets.end()) sets.push_back(set);
    }
  }
  return sets;
}

// How each layer is cut.
std::vector<CutKind> ChooseCutKinds(const KnockoutArguments& a, const Model& model) {
  std::vector<CutKind> kinds(static_cast<size_t>(model.layers()),
                             a.mode == "cut-conv" ? CutKind::kMixingAndConv : CutKind::kMixing);
  if (a.compat != "knockout") return kinds;
  for (int l = 0; l < model.layers(); ++l) {
    for (const Mixer& mixer : model.layer(l).mixers()) {
      if (mixer.published != CutKind::kMixing) kinds[static_cast<size_t>(l)] = mixer.published;
    }
  }
  return kinds;
}

// The heads of every layer that has attention.
ChannelGroup Heads(const std::string& text, const Model& model) {
  ChannelGroup group{.name = "heads " + text,
                     .mixers = MixerKind::kAttention,
                     .blocked = std::vector<at::Tensor>(static_cast<size_t>(model.layers()))};
  for (int l = 0; l < model.layers(); ++l) {
    const std::optional<Mixer> attention =
        FindMixer(model.layer(l).mixers(), MixerKind::kAttention);
    if (!attention) continue;
    at::Tensor mask = at::zeros({attention->channels}, at::kBool);
    for (const int head : ParseHeads(text, static_cast<int>(attention->channels)))
      mask[head] = true;
    group.blocked[static_cast<size_t>(l)] = mask.to(model.device());
  }
  if (std::none_of(group.blocked.begin(), group.blocked.end(),
                   [](const at::Tensor& mask) { return mask.defined(); }))
    throw Error("--heads needs attention heads; this model has none", "use --channels");
  return group;
}

// The thirds that a group of channels is made of; none: everywhere. The public implementation of
// Endy et al. 2025 names a group by the third that it leaves alone.
std::vector<std::string> ParseThirds(const std::string& name, const std::string& compat) {
  if (name == "all") return {};
  if (compat == "knockout" && name == "fast_decay") return {"mid", "slow"};
  if (compat == "knockout" && name == "slow_decay") return {"fast", "mid"};
  std::vector<std::string> thirds = SplitAt(name, '+');
  for (const std::string& third : thirds) {
    if (third != "fast" && third != "mid" && third != "slow")
      throw Error(fmt::format("--channels: there is no group '{}'", name),
                  "groups are all, fast, mid, slow and sums as mid+slow; with --compat knockout "
                  "also fast_decay and slow_decay");
  }
  return thirds;
}

ChannelGroup Channels(const std::string& name, const std::vector<std::string>& thirds,
                      const FeatureGroups& features) {
  ChannelGroup group{.name = name, .mixers = MixerKind::kScan, .blocked = {}};
  for (const std::string& third : thirds) {
    const std::vector<at::Tensor>& masks = third == "fast"  ? features.fast
                                           : third == "mid" ? features.mid
                                                            : features.slow;
    if (group.blocked.empty()) group.blocked = masks;
    for (size_t l = 0; l < masks.size(); ++l) {
      if (masks[l].defined()) group.blocked[l] = group.blocked[l].logical_or(masks[l]);
    }
  }
  return group;
}

// One kind of mixer, or all of them.
ChannelGroup MixerGroup(const std::string& name, const Model& model) {
  if (name == "all") return {};
  const MixerKind kind = name == "mamba" ? MixerKind::kScan : MixerKind::kAttention;
  if (!model.LayersWith(kind).empty()) return {.name = name, .mixers = kind};
  throw Error(fmt::format("--mixers {}: no layer of this model has {}", name,
                          kind == MixerKind::kScan ? "a recurrence" : "attention"),
              "leave it out");
}

// Each name once.
std::vector<ChannelGroup> MakeGroups(const KnockoutArguments& a, const Model& model,
                                     const Tokenizer& tokenizer) {
  std::vector<ChannelGroup> groups;
  std::optional<FeatureGroups> features;  // once they are needed
  for (const std::string& name : a.channels) {
    if (std::any_of(groups.begin(), groups.end(),
                    [&](const ChannelGroup& group) { return group.name == name; }))
      continue;
    const std::vector<std::string> thirds = ParseThirds(name, a.compat);
    if (!thirds.empty() && !features) {
      features = a.rank == "step"
                     ? RankFeatures(model, FeatureRank::kStep, TextIds(a, model, tokenizer))
                     : RankFeatures(model, FeatureRank::kDecay, {});
    }
    // The channels are those of recurrences.
    const bool scans = !model.LayersWith(MixerKind::kScan).empty();
    groups.push_back(thirds.empty() ? ChannelGroup{.mixers = scans ? std::optional(MixerKind::kScan)
                                                                   : std::nullopt}
                                    : Channels(name, thirds, *features));
  }
  if (a.heads) groups.push_back(Heads(*a.heads, model));
  for (const std::string& name : a.mixers) groups.push_back(MixerGroup(name, model));
  if (groups.empty()) groups.emplace_back();
  return groups;
}

int64_t DocumentLimit(const KnockoutArguments& a) { return a.limit_documents.value_or(kDocuments); }
int64_t TokenLimit(const KnockoutArguments& a) { return a.max_tokens.value_or(kTokens); }

std::vector<std::string> DefaultSources(const KnockoutArguments& a) {
  if (a.compat == "romba") return {"subject", "subject_last", "non_subject", "last"};
  return {"subject", "relation", "first", "last"};
}

}  // namespace

void VisitKnockoutOptions(KnockoutArguments& a, OptionVisitor& option) {
  VisitFactOptions(a.facts, "out/knockout-MODEL-MODE", option);
  option.Topic("Tokens");
  option(&a.from, {.names = "--from",
                   .help = fmt::format("Sets of source tokens, as subject,last; repeatable. A set "
                                       "is one of {}, or lists tokens counted from 0, as 0,3-5",
                                       fmt::join(kTokenSets, ", ")),
                   .otherwise = "subject,relation,first,last"});
  option(&a.to,
         {.names = "--to",
          .help = "Sets of target tokens, named as in --from. Each pair of sets gives a curve",
          .otherwise = "last"});
  option.Topic("Cut");
  option(&a.mode, {.names = "--mode",
                   .help = "What is cut. cut: the recurrence or attention carries nothing from the "
                           "sources to the targets. cut-conv: the convolution carries nothing "
                           "either. mean: the sources' conv_in is replaced by the layer's mean",
                   .bounds = OneOf{{"cut", "cut-conv", "mean"}}});
  option(
      &a.windows,
      {.names = "--window",
       .help = "Number of layers cut together. Each of several numbers, as 1,3,9, gives a curve",
       .otherwise = "the published 9 of 64 layers, scaled to the model; with --compat knockout 9",
       .bounds = Integers{1, 1'000'000},
       .list = List::kCommas});
  option(
      &a.channels,
      {.names = "--channels",
       .help = "Groups of a Mamba's channels to cut; each gives a curve. A group is all, one of "
               "the thirds fast, mid and slow (by how fast channels forget), or a sum as mid+slow. "
               "--compat knockout also knows fast_decay, which cuts mid+slow, and slow_decay, "
               "which cuts fast+mid: the published names are those of the third that is left",
       .otherwise = "all",
       .list = List::kCommas});
  option(&a.rank, {.names = "--rank",
                   .help = "Measure of how fast a channel forgets. decay: its decay at a step size "
                           "of 1. step: its decay at its mean step size over --text",
                   .otherwise = "decay",
                   .bounds = OneOf{{"decay", "step"}}});
  option(&a.heads,
         {.names = "--heads", .help = "Attention heads to cut, as 0-3", .otherwise = "all"});
  option(&a.mixers,
         {.names = "--mixers",
          .help = "Kinds of mixers to cut, each alone: mamba, attention, or all together. Each of "
                  "several kinds gives a curve, as mamba,attention,all for a hybrid",
          .otherwise = "all",
          .bounds = OneOf{{"mamba", "attention", "all"}},
          .list = List::kCommas});
  option.Topic("Further measures");
  option(&a.heatmap, {.names = "--heatmap",
                      .help = "Also cut each token alone from the last token, for a map of "
                              "p(answer) by token and window"});
  option(&a.decompose, {.names = "--decompose",
                        .help = "Also split the answer's logit into what each source token carries "
                                "to the last token in each layer"});
  option.Topic("Compatibility");
  option(&a.compat,
         {.names = "--compat",
          .help = "Follow a public implementation. transformers: as for the other commands. "
                  "knockout (with --mode cut): windows of 9 layers; inside them Llama, Mistral and "
                  "Qwen also read later tokens, and a token of GPT-2 with nothing left to read "
                  "reads all tokens equally. romba (with --mode mean): windows around each layer, "
                  "10 of 64 layers long, and the sets subject, subject_last, non_subject and last",
          .bounds = OneOf{{"none", "transformers", "knockout", "romba"}}});
  option.Topic("Mean ablation and texts");
  option(
      &a.restore,
      {.names = "--restore",
       .help = "With --mode mean, what happens to conv_in of the other tokens before the last, "
               "inside the window. others: it is held at the base run's value. none: it may change",
       .otherwise = "others",
       .bounds = OneOf{{"others", "none"}}});
  option(&a.texts, {.names = "--text",
                    .help = "Documents for mean states and step sizes: one per line (.txt), or in "
                            "the field 'text' of each line (.jsonl); repeatable",
                    .otherwise = "the bundled sentences",
                    .decides = Decides::kResolved});
  option(&a.limit_documents, {.names = "--limit-documents",
                              .help = "Maximum number of documents of --text",
                              .otherwise = std::to_string(kDocuments),
                              .bounds = Integers{1, 1'000'000'000},
                              .decides = Decides::kResolved});
  option(&a.max_tokens, {.names = "--max-tokens",
                         .help = "Maximum number of tokens of a document",
                         .otherwise = std::to_string(kTokens),
                         .bounds = Integers{1, 1'000'000},
                         .decides = Decides::kResolved});
}

void CheckKnockout(const KnockoutArguments& a) {
  Refuse(a.ablates() && !a.to.empty(),
         "--to does not go with --mode mean, which ablates the sources for all tokens");
  Refuse(a.ablates() && (a.heads || !a.channels.empty()),
         "--channels and --heads do not go with --mode mean");
  Refuse(!a.mixers.empty() && (a.ablates() || a.heads || !a.channels.empty()),
         "--mixers does not go with --channels, --heads or --mode mean");
  Refuse(std::set<std::string>(a.mixers.begin(), a.mixers.end()).size() < a.mixers.size(),
         "--mixers: the same kind is given twice");
  Refuse(!a.ablates() && a.restore, "--restore needs --mode mean");
  Refuse(!a.reads_texts() && (!a.texts.empty() || a.limit_documents || a.max_tokens),
         "--text, --limit-documents and --max-tokens need --mode mean or --rank step");
  const bool all = std::all_of(a.channels.begin(), a.channels.end(),
                               [](const std::string& name) { return name == "all"; });
  Refuse(a.rank && all, "--rank needs --channels fast, mid or slow");
  Refuse(a.mode == "cut-conv" && (!all || a.heads),
         "--channels and --heads need --mode cut: a cut of the convolution takes all channels");
  Refuse(a.compat == "knockout" && a.mode != "cut", "--compat knockout needs --mode cut");
  Refuse(a.compat == "romba" && !a.ablates(), "--compat romba needs --mode mean");
}

KnockoutOptions SetUpKnockout(const KnockoutArguments& a, const Model& model,
                              const Tokenizer& tokenizer) {
  KnockoutOptions options{.from = a.from.empty() ? DefaultSources(a) : ParseSets(a.from),
                          .to = a.to.empty() ? std::vector<std::string>{"last"} : ParseSets(a.to),
                          .kinds = ChooseCutKinds(a, model),
                          .heatmap = a.heatmap,
                          .decompose = a.decompose};
  for (const int length : WindowLengths(a, model)) {
    WindowSet set{.length = length,
                  .windows = a.around_layers() ? WindowsAround(model.layers(), length)
                                               : WholeWindows(model.layers(), length)};
    for (size_t w = 0; w < set.windows.size(); ++w)
      set.places.push_back(a.around_layers() ? static_cast<int>(w)
                                             : static_cast<int>(set.windows[w].begin));
    options.windows.push_back(std::move(set));
  }
  options.channels = MakeGroups(a, model, tokenizer);
  if (a.ablates()) {
    if (model.LayersWith(Site::kConvIn).empty())
      throw Error("--mode mean ablates conv_in, and a transformer has none", "use --mode cut");
    options.ablation = MeanAblation{
        .means = {},
        .others = a.restore == "none" ? MeanAblation::Others::kFree : MeanAblation::Others::kHeld};
  }
  return options;
}

std::vector<int> WindowLengths(const KnockoutArguments& a, const Model& model) {
  std::vector<int> lengths;
  for (const int64_t window : a.windows) {
    if (window > model.layers())
      throw Error(fmt::format("--window {}: the model has only {}", window,
                              Count(model.layers(), "layer")));
    const int length = static_cast<int>(window);
    if (std::find(lengths.begin(), lengths.end(), length) != lengths.end())
      throw Error(fmt::format("--window {}: the window is given twice", window));
    lengths.push_back(length);
  }
  if (!lengths.empty()) return lengths;
  if (a.around_layers()) return {DefaultWindow(Site::kConvIn, model.layers())};
  return {a.compat == "knockout" ? std::min(kPublishedKnockoutWindow, model.layers())
                                 : DefaultKnockoutWindow(model.layers())};
}

std::vector<std::vector<int64_t>> TextIds(const KnockoutArguments& a, const Model& model,
                                          const Tokenizer& tokenizer) {
  std::vector<std::vector<int64_t>> texts =
      ReadDocumentIds(tokenizer, TextFiles(a.texts),
                      {.documents = DocumentLimit(a), .tokens = model.CutLength(TokenLimit(a))});
  if (texts.empty())
    throw Error(fmt::format("{}: has no document", TextFiles(a.texts)[0].string()),
                "--text takes files with one document per line");
  return texts;
}

void DescribeKnockout(const KnockoutArguments& a, const KnockoutOptions& options,
                      RunDescription& run) {
  std::vector<int> lengths;
  for (const WindowSet& set : options.windows) lengths.push_back(set.length);
  run.DependsOn("from", options.from);
  run.DependsOn("to", a.ablates() ? Json() : Json(options.to));
  run.DependsOn("window", lengths.size() == 1 ? Json(lengths[0]) : Json(lengths));
  run.DependsOn("rank", a.channels.empty() ? Json() : Json(a.rank.value_or("decay")));
  run.DependsOn("restore", a.ablates() ? Json(a.restore.value_or("others")) : Json());
  run.DependsOn("answers", a.facts.all_facts ? "the object's first token"
                           : a.facts.answer  ? "the first token of --answer"
                                             : "the most probable token");
  if (!a.reads_texts()) return;
  run.Mentions("texts", a.texts);
  run.DependsOn("text_fingerprint",
                SummarizeCorpus(TextFiles(a.texts), DocumentLimit(a)).fingerprint);
  run.DependsOn("limit_documents", DocumentLimit(a));
  run.DependsOn("max_tokens", TokenLimit(a));
}

}  // namespace mambascope
