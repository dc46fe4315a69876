#include "mambascope/cli/knockout_setup.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "mambascope/data/corpus.h"
#include "mambascope/error.h"
#include "mambascope/experiments/knockout/features.h"
#include "mambascope/experiments/knockout/token_sets.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kDocuments = 128, kTokens = 128;  // of texts, as the public implementation of Sharma et al. 2024 has it

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

// How each layer is cut.
std::vector<CutKind> CutKinds(const KnockoutArguments& a, const Model& model) {
  std::vector<CutKind> kinds(static_cast<size_t>(model.layers()), a.mode == "cut-conv" ? CutKind::kMixingAndConv : CutKind::kMixing);
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
  ChannelGroup group{.name = "heads " + text, .blocked = std::vector<at::Tensor>(static_cast<size_t>(model.layers()))};
  for (int l = 0; l < model.layers(); ++l) {
    const std::optional<Mixer> attention = FindMixer(model.layer(l).mixers(), MixerKind::kAttention);
    if (!attention) continue;
    at::Tensor mask = at::zeros({attention->channels}, at::kBool);
    for (const int head : ParseHeads(text, static_cast<int>(attention->channels))) mask[head] = true;
    group.blocked[static_cast<size_t>(l)] = mask.to(model.device());
  }
  if (std::none_of(group.blocked.begin(), group.blocked.end(), [](const at::Tensor& mask) { return mask.defined(); }))
    throw Error("--heads are of attention, which this model has none of", "of a Mamba, --channels cuts a part");
  return group;
}

// The thirds that a group of channels is made of; none: everywhere. The public implementation of Endy et al. 2025 names a group by the
// third that it leaves alone.
std::vector<std::string> ThirdsOf(const std::string& name, const std::string& compat) {
  if (name == "all") return {};
  if (compat == "knockout" && name == "fast_decay") return {"mid", "slow"};
  if (compat == "knockout" && name == "slow_decay") return {"fast", "mid"};
  std::vector<std::string> thirds = CLI::detail::split(name, '+');
  for (const std::string& third : thirds) {
    if (third != "fast" && third != "mid" && third != "slow")
      throw Error(fmt::format("--channels: '{}' is no group of channels", name),
                  "all, fast, mid, slow, sums as mid+slow; with --compat knockout fast_decay and slow_decay, too");
  }
  return thirds;
}

ChannelGroup Channels(const std::string& name, const std::vector<std::string>& thirds, const FeatureGroups& features) {
  ChannelGroup group{.name = name, .blocked = {}};
  for (const std::string& third : thirds) {
    const std::vector<at::Tensor>& masks = third == "fast" ? features.fast : third == "mid" ? features.mid : features.slow;
    if (group.blocked.empty()) group.blocked = masks;
    for (size_t l = 0; l < masks.size(); ++l) {
      if (masks[l].defined()) group.blocked[l] = group.blocked[l].logical_or(masks[l]);
    }
  }
  return group;
}

// Each name once.
std::vector<ChannelGroup> GroupsOf(const KnockoutArguments& a, const Model& model, const Tokenizer& tokenizer) {
  std::vector<ChannelGroup> groups;
  std::optional<FeatureGroups> features;  // once they are needed
  for (const std::string& name : a.channels) {
    if (std::any_of(groups.begin(), groups.end(), [&](const ChannelGroup& group) { return group.name == name; })) continue;
    const std::vector<std::string> thirds = ThirdsOf(name, a.compat);
    if (!thirds.empty() && !features) {
      features =
          a.rank == "step" ? RankFeatures(model, FeatureRank::kStep, TextIds(a, tokenizer)) : RankFeatures(model, FeatureRank::kDecay, {});
    }
    groups.push_back(thirds.empty() ? ChannelGroup{} : Channels(name, thirds, *features));
  }
  if (a.heads) groups.push_back(Heads(*a.heads, model));
  if (groups.empty()) groups.emplace_back();
  return groups;
}

std::vector<fs::path> TextsOf(const KnockoutArguments& a) {
  if (a.texts.empty()) return {BundledText()};
  return {a.texts.begin(), a.texts.end()};
}

int64_t DocumentsOf(const KnockoutArguments& a) { return a.limit_documents.value_or(kDocuments); }
int64_t MaxTokensOf(const KnockoutArguments& a) { return a.max_tokens.value_or(kTokens); }

std::vector<std::string> DefaultSources(const KnockoutArguments& a) {
  if (a.compat == "romba") return {"subject", "subject_last", "non_subject", "last"};
  return {"subject", "relation", "first", "last"};
}

void AddTextOptions(CLI::App& command, KnockoutArguments& a) {
  command.add_option("--text", a.texts,
                     "documents for mean states and step sizes, a line each (.txt) or in the field 'text' of a line (.jsonl); repeatable; "
                     "without it, the bundled sentences");
  command.add_option("--limit-documents", a.limit_documents, "of them, the first so many; 128 without it")
      ->check(CLI::Range(1, 1'000'000'000));
  command.add_option("--max-tokens", a.max_tokens, "of each, the first so many; 128 without it")->check(CLI::Range(1, 1'000'000));
}

void AddChannelOptions(CLI::App& command, KnockoutArguments& a) {
  command
      .add_option(
          "--channels", a.channels,
          "channels of a Mamba that are cut, a curve for each: all, or thirds by how fast they forget, fast, mid, slow, and sums as "
          "mid+slow. With --compat knockout also fast_decay (which cuts mid+slow) and slow_decay (fast+mid): published names are those of "
          "the third left alone")
      ->delimiter(',');
  command
      .add_option(
          "--rank", a.rank,
          "what says how fast a channel forgets: its decay at a step of 1 (decay, the default), or at its mean step over texts (step)")
      ->check(CLI::IsMember({"decay", "step"}));
  command.add_option("--heads", a.heads, "attention heads that are cut, as 0-3; without it, all");
}

void AddReadingOptions(CLI::App& command, KnockoutArguments& a) {
  command
      .add_option(
          "--compat", a.compat,
          "readings of public implementations. knockout (with cut): Llama, Mistral and Qwen read later tokens, too, inside the window; "
          "GPT-2's rows that have nothing left to read read all tokens alike; windows of 9 layers. romba (with mean): windows around each "
          "layer, cut off at the model's ends, of 10 of 64 layers, and the sets subject, subject_last, non_subject, last")
      ->check(CLI::IsMember({"none", "knockout", "romba"}))
      ->capture_default_str();
  command
      .add_option(
          "--restore", a.restore,
          "with mean: conv_in of the other tokens before the last is held at the base run's inside the window (others, the default), "
          "or nothing is (none)")
      ->check(CLI::IsMember({"others", "none"}));
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
  command
      .add_option(
          "--window", a.window,
          "layers knocked out together; without it, 9 of 64 layers, scaled (published figures: 9 for every model; --compat knockout "
          "takes that)")
      ->check(CLI::Range(1, 1'000'000));
  AddChannelOptions(command, a);
  command.add_flag("--heatmap", a.heatmap, "each token alone, too: p(answer) by token and window, to the last token");
  command.add_flag("--decompose", a.decompose,
                   "how much of the answer's logit each source's values carry to the last token, by layer, in the base run");
  AddReadingOptions(command, a);
  AddTextOptions(command, a);
}

void CheckKnockout(const KnockoutArguments& a) {
  const auto refuse = [](bool when, const char* what) {
    if (when) throw CLI::ValidationError(what);
  };
  refuse(a.models.size() > 1 && a.facts.prompt && !a.facts.answer, "several models need one answer: give --answer");
  refuse(a.ablates() && !a.to.empty(), "--to is of cuts: with --mode mean the sources are ablated for all that read them");
  refuse(a.ablates() && (a.heads || !a.channels.empty()), "--channels and --heads are of cuts, not of --mode mean");
  refuse(!a.ablates() && a.restore, "--restore is of --mode mean");
  refuse(!a.reads_texts() && (!a.texts.empty() || a.limit_documents || a.max_tokens),
         "--text, --limit-documents and --max-tokens are of --mode mean and --rank step");
  const bool all = std::all_of(a.channels.begin(), a.channels.end(), [](const std::string& name) { return name == "all"; });
  refuse(a.rank && all, "--rank is of --channels fast, mid and slow");
  refuse(a.mode == "cut-conv" && (!all || a.heads),
         "--channels and --heads are of --mode cut: a cut of the convolution is of all channels");
  refuse(a.compat == "knockout" && a.mode != "cut", "--compat knockout is of --mode cut");
  refuse(a.compat == "romba" && !a.ablates(), "--compat romba is of --mode mean");
}

KnockoutOptions SetUpKnockout(const KnockoutArguments& a, const Model& model, const Tokenizer& tokenizer) {
  KnockoutOptions options{.from = a.from.empty() ? DefaultSources(a) : SetsOf(a.from),
                          .to = a.to.empty() ? std::vector<std::string>{"last"} : SetsOf(a.to),
                          .kinds = CutKinds(a, model),
                          .heatmap = a.heatmap,
                          .decompose = a.decompose};
  const int window = WindowOf(a, model);
  options.windows = a.around_layers() ? WindowsAround(model.layers(), window) : WholeWindows(model.layers(), window);
  options.channels = GroupsOf(a, model, tokenizer);
  if (a.ablates()) {
    if (model.LayersWith(Site::kConvIn).empty()) throw Error("--mode mean ablates conv_in, which a transformer lacks", "take --mode cut");
    options.ablation = MeanAblation{.means = {}, .others = a.restore == "none" ? MeanAblation::Others::kFree : MeanAblation::Others::kHeld};
  }
  return options;
}

int WindowOf(const KnockoutArguments& a, const Model& model) {
  if (a.window > 0) return a.window;
  if (a.around_layers()) return DefaultWindow(Site::kConvIn, model.layers());
  return a.compat == "knockout" ? std::min(kPublishedKnockoutWindow, model.layers()) : DefaultKnockoutWindow(model.layers());
}

std::vector<int> PlacesOf(const KnockoutArguments& a, const KnockoutOptions& options) {
  std::vector<int> places;
  for (size_t w = 0; w < options.windows.size(); ++w)
    places.push_back(a.around_layers() ? static_cast<int>(w) : static_cast<int>(options.windows[w].begin));
  return places;
}

std::vector<std::vector<int64_t>> TextIds(const KnockoutArguments& a, const Tokenizer& tokenizer) {
  Corpus corpus(TextsOf(a));
  std::vector<std::vector<int64_t>> texts;
  while (static_cast<int64_t>(texts.size()) < DocumentsOf(a)) {
    const std::optional<std::string> text = corpus.Next();
    if (!text) break;
    std::vector<int64_t> ids = IdsOf(tokenizer.EncodeContinuation(*text));
    if (static_cast<int64_t>(ids.size()) > MaxTokensOf(a)) ids.resize(static_cast<size_t>(MaxTokensOf(a)));
    if (!ids.empty()) texts.push_back(std::move(ids));
  }
  if (texts.empty()) throw Error(fmt::format("{}: has no document", TextsOf(a)[0].string()), "--text takes files with one per line");
  return texts;
}

Json EchoKnockout(const KnockoutArguments& a, const KnockoutOptions& options, int window) {
  Json json = {{"from", options.from},
               {"to", a.ablates() ? Json() : Json(options.to)},
               {"mode", a.mode},
               {"window", window},
               {"compat", a.compat},
               {"channels", a.channels.empty() ? Json() : Json(a.channels)},
               {"rank", a.channels.empty() ? Json() : Json(a.rank.value_or("decay"))},
               {"heads", a.heads ? Json(*a.heads) : Json()},
               {"heatmap", a.heatmap},
               {"decompose", a.decompose},
               {"answers", a.facts.all_facts ? "the object's first token"
                           : a.facts.answer  ? "the first token of --answer"
                                             : "the most probable token"}};
  if (a.ablates()) json["restore"] = a.restore.value_or("others");
  if (a.reads_texts()) {
    json.update({{"texts", a.texts},
                 {"text_fingerprint", Summarize(TextsOf(a), DocumentsOf(a)).fingerprint},
                 {"limit_documents", DocumentsOf(a)},
                 {"max_tokens", MaxTokensOf(a)}});
  }
  return json;
}

}  // namespace mambascope
