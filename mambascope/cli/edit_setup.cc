#include "mambascope/cli/edit_setup.h"

#include <fmt/format.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/moments.h"
#include "mambascope/data/corpus.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/moments_file.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr const char* kContextsFile = "contexts.json";

Contexts ChooseContexts(const CommonOptions& common, const EditOptions& o, const Model& model, const Tokenizer& tokenizer) {
  const fs::path own = ModelFolder(common.model) / kContextsFile;
  if (o.contexts == "memit") return GenerateContexts(model, tokenizer, MemitContextPlan(), common.seed);
  if (o.contexts == "rome" || (o.contexts.empty() && !fs::exists(own)))
    return GenerateContexts(model, tokenizer, o.contexts.empty() && o.method == "memit" ? MemitContextPlan() : RomeContextPlan(),
                            common.seed);
  return ReadContexts(o.contexts.empty() ? own : fs::path(o.contexts));
}

// The projection that the published edits of a layer's architecture change.
std::string DefaultProjection(const Model& model, int layer) {
  const std::vector<EditableWeight> weights = model.layer(layer).editable();
  if (weights.empty()) throw Error(fmt::format("layer {} has no projection that can be edited", layer));
  return weights.back().name;
}

std::vector<EditPlace> ChoosePlaces(const EditOptions& o, const Model& model) {
  std::vector<EditPlace> places;
  if (o.projections.empty()) {
    for (const int layer : ParseLayers(o.layers, model.layers())) places.push_back({layer, DefaultProjection(model, layer)});
  }
  for (const std::string& name : ParseProjections(o.projections, model)) {
    for (const int layer : ParseEditLayers(o.layers, name, model)) places.push_back({layer, name});
  }
  return places;
}

// Of a file, or of the JSON files of a folder.
std::string DigestOf(const fs::path& path) {
  if (!fs::is_directory(path)) return FingerprintText(ReadFile(path));
  std::set<fs::path> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
    if (entry.path().extension() == ".json") files.insert(entry.path());
  }
  std::string digests;
  for (const fs::path& file : files) digests += FingerprintText(ReadFile(file));
  return FingerprintText(digests);
}

}  // namespace

void AddEditOptions(CLI::App& command, EditOptions& o) {
  command.add_option("--prompt", o.prompt, "one edit: the prompt, with {} for the subject, as \"{} is located in\"");
  command.add_option("--subject", o.subject);
  command.add_option("--target", o.target, "the new object");
  command.add_option("--counterfact", o.counterfact, "CounterFact records to edit and evaluate, proper or EasyEdit's; repeatable");
  command.add_option("--zsre", o.zsre, "zsRE questions to edit and evaluate, in the form of MEND's set; repeatable");
  command.add_option("--limit", o.limit, "so many known records, after a seeded shuffle; without it, all")
      ->check(CLI::Range(1, 1'000'000'000));
  command.add_flag("--all-facts", o.all_facts, "keep records whose true object the model does not know");
  command.add_option("--layer,--layers", o.layers, "as 3, 0-15, 2,4,6 or all")->capture_default_str();
  command.add_option("--projection,--projections", o.projections, "as W_a,W_o, or all; without it, W_o (W_down of transformers)")
      ->delimiter(',');
  command.add_option("--contexts", o.contexts,
                     "what stands before the prompts: a file, or `rome` or `memit`: texts that the model generates; without it, the "
                     "checkpoint's contexts.json, else `rome`");
  CLI::Option* moments = command.add_option("--moments", o.moments, "second moments of the keys, of `mambascope moments` or published");
  command
      .add_option("--text", o.texts, "where there are none, the text to collect them from; without it, the bundled sentences; repeatable")
      ->excludes(moments);
  command.add_option("--ridge", o.ridge, "added to the second moments, as a part of their mean diagonal")
      ->check(NumberIn(0.0, 1e6))
      ->capture_default_str();
  command.add_option("--method", o.method, "rome: one weight an edit; memit: all facts at once, over all the layers")
      ->check(CLI::IsMember({"rome", "memit"}))
      ->capture_default_str();
  command
      .add_option(
          "--edits", o.edits,
          "so many of the records in one model, as 1,10,100: by memit at once, by rome one after the other; without it, each record "
          "alone (memit: all)")
      ->delimiter(',')
      ->check(CLI::Range(1, 1'000'000));
  command.add_option("--lambda", o.lambda, "MEMIT's weight of the second moments; without it, a quarter of the keys' width")
      ->check(NumberIn(0.0, 1e9));
  command.add_flag("--generate", o.generate, "measure what edited models write of the subject, too: entropy and reference score");
  command.add_option("--snippets", o.snippets,
                     "texts about the new objects, for the reference score: attribute_snippets.json, or a RELATIONS folder or file");
  command.add_option("--division", o.division, "the key that v is divided by: of the bare prompt, as published, or the mean over contexts")
      ->check(CLI::IsMember({"bare", "mean"}))
      ->capture_default_str();
  command.add_option("--steps", o.value.steps, "passes of the value search, at most")->check(CLI::Range(1, 10'000))->capture_default_str();
  command.add_option("--learning-rate", o.value.learning_rate)->check(NumberIn(1e-6, 1e3))->capture_default_str();
  command.add_option("--decay", o.value.decay, "weight of |delta| / |v0|^2")->check(NumberIn(0.0, 1e6))->capture_default_str();
  command.add_option("--kl", o.value.kl, "weight of the subject's essence")->check(NumberIn(0.0, 1e6))->capture_default_str();
  command.add_option("--clamp", o.value.clamp, "|delta| is kept below so many times |v0|")
      ->check(NumberIn(1e-6, 1e6))
      ->capture_default_str();
  AddMemoryOption(command, o.memory, "searches done together");
  command.add_option("--out", o.out, "folder for the results")->capture_default_str();
}

EditSetup::EditSetup(const CommonOptions& common, const EditOptions& options)
    : common_(common), options_(options), tokenizer_(RequireTokenizer(common)), model_(LoadModel(common)) {
  places_ = ChoosePlaces(options, model_);
  contexts_ = ChooseContexts(common, options, model_, tokenizer_);
}

std::set<int> EditSetup::layers() const {
  std::set<int> layers;
  for (const EditPlace& place : places_) layers.insert(place.layer);
  return layers;
}

const std::string& EditSetup::projection() const {
  for (const EditPlace& place : places_) {
    if (place.projection != places_[0].projection)
      throw Error("one projection can be edited here, of one layer or more", "give --projection " + places_[0].projection);
  }
  return places_[0].projection;
}

void EditSetup::WriteContexts() const { WriteFile(fs::path(options_.out) / kContextsFile, DumpJson(contexts_, 1) + "\n"); }

void EditSetup::TakeMoments() {
  std::set<Place> places;
  for (const EditPlace& place : places_) places.insert(KeyOf(model_, place.layer, place.projection));
  const fs::path folder = fs::path(options_.out) / "moments";
  if (options_.moments.empty()) CollectForEdits(common_, model_, tokenizer_, options_.texts, {places.begin(), places.end()}, folder);
  const std::string fingerprint = Fingerprint(ModelFolder(common_.model));
  for (const Place& place : places) {
    const std::string name = fmt::format("{}.{}", SiteName(place.site), place.layer);
    const Moments moments =
        ReadMoments(options_.moments.empty() ? folder : fs::path(options_.moments), place, model_.width(place), fingerprint);
    const MomentSolver& solver = solvers_.emplace(place, MomentSolver(moments, options_.ridge)).first->second;
    if (solver.singular()) {
      throw Error(
          fmt::format("the second moments at {} are singular: {} tokens for a width of {}", name, moments.count, moments.sum.size(0)),
          "take more text (--text, --moments) or a ridge (--ridge 1e-3)");
    }
    moments_echo_[name] = {{"tokens", moments.count}, {"digest", FingerprintTensor(moments.sum)}};
  }
}

Solvers EditSetup::solvers() const {
  return [this](const Place& key) -> const MomentSolver& { return solvers_.at(key); };
}

ValueOptions EditSetup::value() const {
  ValueOptions value = options_.value;
  value.memory = MemoryOf(options_.memory, model_);
  return value;
}

RomeOptions EditSetup::rome() const {
  return {.value = value(), .division = options_.division == "mean" ? RomeOptions::Division::kMean : RomeOptions::Division::kBare};
}

std::vector<std::vector<int64_t>> EditSetup::Texts() const {
  constexpr size_t kDocuments = 64, kTokens = 512;
  Corpus corpus(options_.texts.empty() ? std::vector<fs::path>{BundledText()}
                                       : std::vector<fs::path>(options_.texts.begin(), options_.texts.end()));
  std::vector<std::vector<int64_t>> texts;
  for (std::optional<std::string> document; texts.size() < kDocuments && (document = corpus.Next());) {
    std::vector<int64_t> ids;
    for (const Token& token : tokenizer_.EncodeContinuation(*document)) ids.push_back(token.id);
    ids.resize(std::min(ids.size(), kTokens));
    if (ids.size() > 1) texts.push_back(std::move(ids));
  }
  return texts;
}

Json EditSetup::Echo() const {
  const ValueOptions& v = options_.value;
  std::vector<std::string> projections;
  for (const EditPlace& place : places_) {
    if (projections.empty() || projections.back() != place.projection) projections.push_back(place.projection);
  }
  Json json = {{"method", options_.method},
               {"layers", options_.layers},
               {"projections", projections},
               {"contexts", contexts_},
               {"moments", moments_echo_},
               {"ridge", options_.ridge},
               {"generate", options_.generate},
               {"snippets", options_.snippets.empty() ? Json() : Json(DigestOf(options_.snippets))},
               {"edits", options_.edits},
               {"steps", v.steps},
               {"learning_rate", v.learning_rate},
               {"decay", v.decay},
               {"kl", v.kl},
               {"clamp", v.clamp},
               {"enough_loss", v.enough_loss},
               {"enough_p", v.enough_p}};
  if (options_.method == "rome") json["division"] = options_.division;
  else
    json["lambda"] =
        options_.lambda.value_or(static_cast<double>(model_.editable(places_[0].layer, places_[0].projection).weight.size(1)) / 4);
  return json;
}

}  // namespace mambascope
