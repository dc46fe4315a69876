#include "mambascope/cli/edit_setup.h"

#include <fmt/format.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/moments.h"
#include "mambascope/data/corpus.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/memit.h"
#include "mambascope/experiments/editing/moments_file.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr const char* kContextsFile = "contexts.json";

Contexts ChooseContexts(const CommonArguments& common, const EditArguments& o, const Model& model,
                        const Tokenizer& tokenizer) {
  const fs::path own = ModelFolder(common.model) / kContextsFile;
  if (o.contexts.empty() && fs::exists(own)) return ReadContexts(own);
  std::string plan = o.contexts;
  if (plan.empty()) plan = tokenizer.BeginOfText().empty() ? "memit" : o.method;
  if (plan == "rome") return GenerateContexts(model, tokenizer, RomeContextPlan(), common.Seed());
  if (plan == "memit") return GenerateContexts(model, tokenizer, MemitContextPlan(), common.Seed());
  return ReadContexts(plan);
}

// The projection that the published edits of a layer's architecture change.
std::string DefaultProjection(const Model& model, int layer) {
  const std::vector<EditableWeight> weights = model.layer(layer).editable();
  if (weights.empty())
    throw Error(fmt::format("layer {} has no projection that can be edited", layer));
  return weights.back().name;
}

std::vector<EditPlace> ChoosePlaces(const EditArguments& o, const Model& model) {
  if (!o.projections.empty()) return ParseEditPlaces(o.layers, o.projections, model);
  std::vector<EditPlace> places;
  for (const int layer : ParseLayers(o.layers, model.layers())) {
    if (o.layers == "all" && model.layer(layer).editable().empty()) continue;
    places.push_back({layer, DefaultProjection(model, layer)});
  }
  return places;
}

// Of a file, or of the JSON files of a folder.
std::string FilesDigest(const fs::path& path) {
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

void VisitEditOptions(EditArguments& a, OptionVisitor& option) {
  option.Topic("One edit");
  option(&a.prompt,
         {.names = "--prompt",
          .help = "One edit: its prompt, with {} for the subject, as \"{} is located in\"",
          .decides = Decides::kSelection});
  option(&a.subject,
         {.names = "--subject", .help = "One edit: its subject", .decides = Decides::kSelection});
  option(&a.target,
         {.names = "--target", .help = "One edit: the new object", .decides = Decides::kSelection});
  option.Topic("Records of data sets");
  option(&a.counterfact,
         {.names = "--counterfact",
          .help = "CounterFact records to edit and evaluate, proper or EasyEdit's; repeatable",
          .decides = Decides::kSelection});
  option(&a.zsre,
         {.names = "--zsre",
          .help = "zsRE questions to edit and evaluate, in the form of MEND's set; repeatable",
          .decides = Decides::kSelection});
  option(&a.limit, {.names = "--limit",
                    .help = "Maximum number of known records, drawn at random",
                    .otherwise = "all",
                    .bounds = Integers{1, 1'000'000'000},
                    .decides = Decides::kSelection});
  option(&a.all_facts, {.names = "--all-facts",
                        .help = "Keep records whose true object the model does not know",
                        .decides = Decides::kSelection});
  option.Topic("Weights");
  option(&a.layers,
         {.names = "--layer,--layers", .help = "Layers to edit, as 3, 0-15, 2,4,6 or all"});
  option(&a.projections, {.names = "--projection,--projections",
                          .help = "Projections to edit, as W_a,W_o, or all",
                          .otherwise = "W_o; W_down of transformers",
                          .list = List::kCommas});
  option.Topic("Contexts");
  option(&a.contexts, {.names = "--contexts",
                       .help = "Texts before the prompts: a file, or texts that the model "
                               "generates, by the plan `rome` or `memit`",
                       .otherwise = "the checkpoint's contexts.json, else `rome`"});
  option.Topic("Second moments");
  option(
      &a.moments,
      {.names = "--moments",
       .help = "Second moments of the keys: a folder of `mambascope moments`, or published files",
       .otherwise = "collected from --text"});
  option(&a.texts, {.names = "--text",
                    .help = "Text to collect second moments from; repeatable",
                    .otherwise = "the bundled sentences",
                    .decides = Decides::kResolved,
                    .excludes = {"--moments"}});
  option(&a.ridge, {.names = "--ridge",
                    .help = "Share of the second moments' mean diagonal that is added to them",
                    .bounds = Numbers{0, 1e6}});
  option.Topic("Method");
  option(&a.method,
         {.names = "--method",
          .help = "rome: an edit changes one weight; memit: all facts at once, over all the layers",
          .bounds = OneOf{{"rome", "memit"}}});
  option(&a.edits, {.names = "--edits",
                    .help = "Numbers of records that are edited in one model, as 1,10,100: by "
                            "memit at once, by rome one after the other",
                    .otherwise = "each record alone; with memit all",
                    .bounds = Integers{1, 1'000'000},
                    .list = List::kCommas});
  option(&a.lambda, {.names = "--lambda",
                     .help = "MEMIT's weight of the second moments",
                     .otherwise = "a quarter of the keys' width",
                     .bounds = Numbers{0, 1e9}});
  option.Topic("Further measures");
  option(&a.generate,
         {.names = "--generate",
          .help =
              "Also measure what edited models write of the subject: entropy and reference score"});
  option(&a.snippets, {.names = "--snippets",
                       .help = "Texts about the new objects, for the reference score: "
                               "attribute_snippets.json, or a RELATIONS folder or file"});
  option.Topic("Method");
  option(&a.division, {.names = "--division",
                       .help = "ROME's key that v is divided by: of the bare prompt, as published, "
                               "or the mean over contexts",
                       .bounds = OneOf{{"bare", "mean"}}});
  option.Topic("Value search");
  option(&a.steps, {.names = "--steps",
                    .help = "Maximum number of passes of a value search",
                    .otherwise = fmt::format("{}; with memit {}", ValueOptions().steps,
                                             MemitOptions().value.steps),
                    .bounds = Integers{1, 10'000}});
  option(&a.learning_rate,
         {.names = "--learning-rate", .help = "Of the value search", .bounds = Numbers{1e-6, 1e3}});
  option(&a.decay, {.names = "--decay",
                    .help = "Weight of |delta| / |v0|^2 in the loss",
                    .bounds = Numbers{0, 1e6}});
  option(&a.kl, {.names = "--kl",
                 .help = "Weight in the loss of how far \"SUBJECT is a\" goes on differently",
                 .bounds = Numbers{0, 1e6}});
  option(&a.clamp, {.names = "--clamp",
                    .help = "Bound of |delta|, in multiples of |v0|",
                    .otherwise = fmt::format("{}; with memit {}", ValueOptions().clamp,
                                             MemitOptions().value.clamp),
                    .bounds = Numbers{1e-6, 1e6}});
  option.Topic("Memory and output");
  VisitMemoryOption(a.memory, "searches done together", option);
  VisitOutputOptions(a.output, "out/edit-MODEL-METHOD", option);
}

void RefuseOtherEdit(const OutputFolder& folder, const RunDescription& run, OtherRuns other,
                     const std::vector<std::string>& with) {
  Json identity = run.identity;
  for (const char* key : {"prompt", "subject", "target"}) identity[key] = run.options.at(key);
  for (const std::string& key : with) identity[key] = run.options.at(key);
  RefuseOtherRun(folder, "edit", {identity}, other);
}

EditSetup::EditSetup(const CommonArguments& common, const EditArguments& options,
                     const OutputFolder& folder)
    : common_(common),
      options_(options),
      folder_(folder),
      tokenizer_(RequireTokenizer(common)),
      model_(LoadModel(common, &tokenizer_)) {
  places_ = ChoosePlaces(options, model_);
  contexts_ = ChooseContexts(common, options, model_, tokenizer_);
}

void EditSetup::CheckPlaces() const {
  if (options_.method == "memit") CheckMemit(model_, layers(), projection());
  else if (places_.size() != 1)
    throw Error("ROME changes one weight: give --layer and --projection",
                "--method memit edits several layers");
}

const std::string& EditSetup::projection() const {
  for (const EditPlace& place : places_) {
    if (place.projection != places_[0].projection)
      throw Error("one projection can be edited here, of one layer or more",
                  "give --projection " + places_[0].projection);
  }
  return places_[0].projection;
}

void EditSetup::WriteContexts() const {
  WriteFile(folder_ / kContextsFile, DumpJson(contexts_, 1) + "\n");
}

void EditSetup::TakeMoments() {
  std::set<Place> places;
  for (const EditPlace& place : places_)
    places.insert(KeyPlace(model_, place.layer, place.projection));
  const fs::path folder = folder_ / "moments";
  if (options_.moments.empty())
    CollectForEdits(common_, model_, tokenizer_, options_.texts, {places.begin(), places.end()},
                    folder, options_.output.others());
  const std::string fingerprint = Fingerprint(ModelFolder(common_.model));
  for (const Place& place : places) {
    const std::string name = fmt::format("{}.{}", SiteName(place.site), place.layer);
    const Moments moments =
        ReadMoments(options_.moments.empty() ? folder : fs::path(options_.moments), place,
                    model_.width(place), fingerprint);
    const MomentSolver& solver =
        solvers_.emplace(place, MomentSolver(moments, options_.ridge)).first->second;
    if (solver.singular()) {
      throw Error(fmt::format("the second moments at {} are singular: {} tokens for a width of {}",
                              name, moments.count, moments.sum.size(0)),
                  "take more text (--text, --moments) or a ridge (--ridge 1e-3)");
    }
    moments_echo_[name] = {{"tokens", moments.count}, {"digest", FingerprintTensor(moments.sum)}};
  }
}

EditInputs EditSetup::inputs() const {
  return {model_, tokenizer_, contexts_,
          [this](const Place& key) -> const MomentSolver& { return solvers_.at(key); }};
}

EditMethod EditSetup::method() const {
  if (options_.method == "memit") return MemitOptions{.value = value(), .lambda = options_.lambda};
  return rome();
}

ValueOptions EditSetup::value() const {
  ValueOptions value = options_.method == "memit" ? MemitOptions().value : ValueOptions();
  value.steps = options_.steps.value_or(value.steps);
  value.clamp = options_.clamp.value_or(value.clamp);
  value.learning_rate = options_.learning_rate;
  value.decay = options_.decay;
  value.kl = options_.kl;
  value.memory = MemoryLimit(options_.memory, model_);
  return value;
}

RomeOptions EditSetup::rome() const {
  return {.value = value(),
          .division = options_.division == "mean" ? RomeOptions::Division::kMean
                                                  : RomeOptions::Division::kBare};
}

std::vector<std::vector<int64_t>> EditSetup::Texts() const {
  return ReadDocumentIds(tokenizer_, TextFiles(options_.texts),
                         {.documents = 64, .tokens = model_.CutLength(512), .fewest = 2});
}

void EditSetup::Describe(RunDescription& run) const {
  const ValueOptions v = value();
  std::vector<std::string> projections;
  for (const EditPlace& place : places_) {
    if (projections.empty() || projections.back() != place.projection)
      projections.push_back(place.projection);
  }
  run.DependsOn("projections", projections);
  run.DependsOn("edits", options_.edits);
  run.DependsOn("contexts", contexts_);
  if (moments_echo_.is_null()) run.Ignores("moments");
  else run.DependsOn("moments", moments_echo_);
  run.DependsOn("snippets",
                options_.snippets.empty() ? Json() : Json(FilesDigest(options_.snippets)));
  run.DependsOn("steps", v.steps);
  run.DependsOn("clamp", v.clamp);
  run.DependsOn("enough_loss", v.enough_loss);
  run.DependsOn("enough_p", v.enough_p);
  if (options_.method == "memit")
    run.DependsOn("lambda", options_.lambda.value_or(DefaultLambda(model_, places_.back().layer,
                                                                   places_.back().projection)));
}

}  // namespace mambascope
