#include "mambascope/cli/edit_setup.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/data/relation.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/edit_file.h"
#include "mambascope/experiments/editing/memit.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

EditRun RunOf(const EditArguments& o) {
  if (o.method == "memit") return EditRun::kMemit;
  return o.FromFiles() && o.edits.empty() ? EditRun::kSweep : EditRun::kRome;
}

// Of a file, or of the JSON files of a folder.
std::string FilesDigest(const fs::path& path) {
  if (!fs::is_directory(path)) return FingerprintText(ReadFile(path));
  std::string digests;
  for (const fs::path& file : JsonFiles(path)) digests += FingerprintText(ReadFile(file));
  return FingerprintText(digests);
}

}  // namespace

void VisitEditOptions(EditArguments& a, OptionVisitor& option) {
  option.Topic("One edit");
  option(&a.prompt, {.names = "--prompt",
                     .help = "Prompt of one edit, with {} for the subject, as \"{} is located in\"",
                     .decides = Decides::kSelection});
  option(&a.subject,
         {.names = "--subject", .help = "Subject of one edit", .decides = Decides::kSelection});
  option(&a.target,
         {.names = "--target", .help = "New object of one edit", .decides = Decides::kSelection});
  option(&a.relations,
         {.names = "--relations",
          .help = "RELATIONS file, or folder of such files. The page then shows what one edit does "
                  "to other templates and subjects of the relation; repeatable",
          .otherwise = "for bundled models: the bundled relations",
          .decides = Decides::kSelection});
  option(&a.check_prompts, {.names = "--check-prompts",
                            .help = "Prompt to show before and after one edit, with {} for the "
                                    "subject, or a .txt file with one prompt per line; repeatable",
                            .bounds = NotEmpty(),
                            .decides = Decides::kSelection});
  option.Topic("Records of data sets");
  option(&a.counterfact, {.names = "--counterfact",
                          .help = "File of records to edit and evaluate: CounterFact, a variant of "
                                  "it, EasyEdit or KnowEdit (docs/data.md); repeatable",
                          .decides = Decides::kSelection});
  option(
      &a.zsre,
      {.names = "--zsre",
       .help = "File of zsRE questions to edit and evaluate, in the form of MEND's set; repeatable",
       .decides = Decides::kSelection});
  option(&a.limit, {.names = "--limit",
                    .help = "Maximum number of known records, in an order shuffled by --seed",
                    .otherwise = "all",
                    .bounds = Integers{1, 1'000'000'000},
                    .decides = Decides::kSelection});
  option(&a.all_facts, {.names = "--all-facts",
                        .help = "Also take records whose true object the model does not know",
                        .decides = Decides::kSelection});
  option.Topic("Weights");
  option(&a.layers,
         {.names = "--layer,--layers",
          .help = "Layers to edit, as 3, 0-15, 2,4,6 or all",
          .otherwise =
              "all, for facts that are edited alone; else about the depth of published edits: "
              "one layer, with memit 5"});
  option(&a.projections, {.names = "--projection,--projections",
                          .help = "Projections to edit, as W_a,W_o, or all",
                          .otherwise = "W_o; W_down of transformers",
                          .list = List::kCommas});
  option.Topic("Contexts");
  option(&a.contexts, {.names = "--contexts",
                       .help = "Texts that stand before the prompts. FILE: a JSON list. rome, "
                               "memit: the model generates them by that method's plan",
                       .otherwise = "the checkpoint's contexts.json, else the method's plan"});
  option.Topic("Second moments");
  option(&a.moments,
         {.names = "--moments",
          .help = "Second moments of the projections' inputs: a folder that `mambascope moments` "
                  "wrote, or published files",
          .otherwise = "those of --text, kept in --cache"});
  option(&a.texts, {.names = "--text",
                    .help = "Text for second moments and perplexity; repeatable",
                    .otherwise = "the bundled sentences",
                    .decides = Decides::kResolved});
  option(&a.max_tokens, {.names = "--max-tokens",
                         .help = "Maximum number of tokens of a document of --text",
                         .bounds = Integers{1, 1'000'000},
                         .decides = Decides::kResolved});
  option(&a.cache, {.names = "--cache",
                    .help = "Folder that keeps collected second moments for later edits",
                    .otherwise = "~/.cache/mambascope/moments",
                    .bounds = NotEmpty(),
                    .decides = Decides::kConduct,
                    .excludes = {"--moments"}});
  option(&a.ridge,
         {.names = "--ridge",
          .help = "Ridge: this share of the mean diagonal of the second moments is added to them",
          .otherwise = fmt::format("0; {} if they have no inverse", kSmallRidge),
          .bounds = Numbers{0, 1e6}});
  option.Topic("Method");
  option(&a.method, {.names = "--method",
                     .help = "rome: each edit changes one weight. memit: all facts are written at "
                             "once, spread over the layers",
                     .bounds = OneOf{{"rome", "memit"}}});
  option(&a.edits, {.names = "--edits",
                    .help = "Numbers of facts to write into one model, as 1,10,100: with memit at "
                            "once, with rome one after the other",
                    .otherwise = "each fact in a copy of the model; with memit all in one model",
                    .bounds = Integers{1, 1'000'000},
                    .list = List::kCommas});
  option(&a.lambda, {.names = "--lambda",
                     .help = "MEMIT's weight (lambda) of the second moments",
                     .otherwise = "a quarter of the keys' width",
                     .bounds = Numbers{0, 1e9}});
  option.Topic("Further measures");
  option(&a.generate, {.names = "--generate",
                       .help = "Also measure texts that edited models write about the subject: "
                               "entropy and reference score"});
  option(&a.snippets, {.names = "--snippets",
                       .help = "Texts about the new objects, for the reference score: "
                               "attribute_snippets.json, or a RELATIONS file or folder"});
  option.Topic("Method");
  option(&a.division, {.names = "--division",
                       .help = "Key in the denominator of ROME's update. bare: of the bare prompt, "
                               "as published. mean: the mean over contexts",
                       .bounds = OneOf{{"bare", "mean"}}});
  option.Topic("Value search");
  option(&a.steps, {.names = "--steps",
                    .help = "Maximum number of steps of the value search",
                    .otherwise = fmt::format("{}; with memit {}", ValueOptions().steps,
                                             MemitOptions().value.steps),
                    .bounds = Integers{1, 10'000}});
  option(&a.learning_rate, {.names = "--learning-rate",
                            .help = "Learning rate of the value search",
                            .bounds = Numbers{1e-6, 1e3}});
  option(&a.decay, {.names = "--decay",
                    .help = "Weight of |delta| / |v0|^2 in the loss",
                    .bounds = Numbers{0, 1e6}});
  option(&a.kl, {.names = "--kl",
                 .help = "Weight of the KL divergence in the loss. It keeps the next-token "
                         "distribution at the subject's last token in \"SUBJECT is a\"",
                 .bounds = Numbers{0, 1e6}});
  option(&a.clamp, {.names = "--clamp",
                    .help = "Largest |delta|, in multiples of |v0|",
                    .otherwise = fmt::format("{}; with memit {}", ValueOptions().clamp,
                                             MemitOptions().value.clamp),
                    .bounds = Numbers{1e-6, 1e6}});
  option.Topic("Memory and output");
  VisitMemoryOption(a.memory, "searches done together", option);
  VisitOutputOptions(
      a.output, "out/edit-MODEL-METHOD; with files of facts out/edit-MODEL-METHOD-FILE", option);
}

void WriteEditResults(const CommonArguments& common, const OutputArguments& output,
                      const OutputFolder& folder, const StoredEdits& edits, CommandResult result) {
  const auto together = HoldFiles();
  const fs::path file = folder / "edit.safetensors";
  result.text += file.string() + "\n";
  // edit.json comes first, because it says which run made the edits. If the program ends between
  // the two writes, the run can continue.
  WriteResults("edit", common, output, folder, result);
  WriteEdits(file, edits);
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
      model_(LoadModel(common, &tokenizer_)),
      fingerprint_(ModelFingerprint(common)),
      base_(BaseFingerprint(ModelFolder(common.model))),
      snippets_(options.snippets.empty() ? Json() : Json(FilesDigest(options.snippets))) {
  CheckTokenizer(model_, tokenizer_);
  places_ = ChoosePlaces(options.layers, options.projections, RunOf(options), model_);
  if (places_.are_layers_chosen)
    Note(common, fmt::format("{} is edited in {} {} of {}, about the depth of published edits; "
                             "--layers and --projections take others",
                             places()[0].projection, layers().size() == 1 ? "layer" : "layers",
                             places_.layers, model_.layers()));
  NoteSharedWeights();
  if (RunOf(options) != EditRun::kSweep) CheckPlaces();
  contexts_ = ChooseContexts(common, options.contexts, options.method, model_, tokenizer_);
}

void EditSetup::NoteSharedWeights() const {
  for (const EditPlace& place : places()) {
    std::vector<int> others = model_.LayersSharing(place.layer, place.projection);
    std::erase(others, place.layer);
    if (others.empty()) continue;
    Warn(common_, fmt::format("{} of layer {} is a shared weight: the edit also changes {} {}",
                              place.projection, place.layer,
                              others.size() == 1 ? "layer" : "layers", fmt::join(others, ", ")));
  }
}

void EditSetup::CheckPlaces() const {
  if (options_.method == "memit") CheckMemit(model_, layers(), projection());
  else if (places().size() != 1)
    throw Error("ROME changes one weight: give one --layer and one --projection",
                "--method memit edits several layers");
}

const std::string& EditSetup::projection() const {
  for (const EditPlace& place : places()) {
    if (place.projection != places()[0].projection)
      throw Error("this edit needs one projection", "give --projection " + places()[0].projection);
  }
  return places()[0].projection;
}

void EditSetup::WriteContexts() const {
  WriteFile(folder_ / kContextsFile, DumpJson(contexts(), 1) + "\n");
}

EditTextArguments EditSetup::texts() const {
  return {.moments = options_.moments,
          .texts = options_.texts,
          .max_tokens = options_.max_tokens,
          .cache = options_.cache,
          .ridge = options_.ridge,
          .out = folder_.path()};
}

void EditSetup::TakeMoments() {
  std::set<Place> keys;
  for (const EditPlace& place : places())
    keys.insert(KeyPlace(model_, place.layer, place.projection));
  moments_ = TakeEditMoments(common_, texts(), edited(), keys);
}

std::vector<CheckPrompt> EditSetup::Checks(const Rewrite& rewrite) const {
  return TakeCheckPrompts(common_,
                          {.relations = options_.relations,
                           .prompts = options_.check_prompts,
                           .use_bundled = edited().IsBundled()},
                          rewrite);
}

EditInputs EditSetup::inputs() const {
  return {model_, tokenizer_, contexts(),
          [this](const Place& key) -> const MomentSolver& { return moments_.solvers.at(key); }};
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

PerplexityTexts EditSetup::Texts() const { return TakePerplexityTexts(common_, texts(), edited()); }

void EditSetup::Describe(RunDescription& run) const {
  const ValueOptions v = value();
  std::vector<std::string> projections;
  for (const EditPlace& place : places()) {
    if (projections.empty() || projections.back() != place.projection)
      projections.push_back(place.projection);
  }
  run.DependsOn("projections", projections);
  run.DependsOn("edits", options_.edits);
  run.DependsOn("layers", places_.layers);
  run.DependsOn("contexts", contexts());
  run.Mentions("contexts_from", contexts_.from);
  if (moments_.solvers.empty()) run.Ignores("moments");
  else run.DependsOn("moments", moments_.echo);
  run.DependsOn("ridge", options_.ridge.value_or(0));
  run.Mentions("max_tokens", model_.CutLength(options_.max_tokens));
  if (moments_.of_base) run.Mentions("moments_of", base_);
  run.DependsOn("snippets", snippets_);
  run.DependsOn("steps", v.steps);
  run.DependsOn("clamp", v.clamp);
  run.DependsOn("enough_loss", v.enough_loss);
  run.DependsOn("enough_p", v.enough_p);
  if (options_.method == "memit")
    run.DependsOn("lambda", options_.lambda.value_or(DefaultLambda(model_, places().back().layer,
                                                                   places().back().projection)));
}

}  // namespace mambascope
