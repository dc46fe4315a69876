#include "mambascope/cli/lre_setup.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// "embed" stands for the embedding, and "all" for it and every block. Ascending.
std::vector<int> ChooseLayers(const std::string& text, int layers) {
  std::vector<std::string> blocks;
  bool embed = text == "all";
  for (const std::string& part : SplitAt(text, ',')) {
    if (part == "embed") embed = true;
    else blocks.push_back(part);
  }
  if (text.ends_with(',')) blocks.emplace_back();  // which ParseLayers refuses
  std::vector<int> chosen;
  if (embed) chosen.push_back(kEmbedLayer);
  if (blocks.empty()) return chosen;
  for (const int layer : ParseLayers(fmt::format("{}", fmt::join(blocks, ",")), layers))
    chosen.push_back(layer);
  return chosen;
}

// A checkpoint with contexts of its own does not know the usual beginnings of texts: its prompts
// begin with nothing.
std::optional<std::string> ChoosePrefix(const CommonArguments& common, const LreArguments& a) {
  if (a.prefix || a.compat == "relations") return a.prefix;
  return fs::exists(ModelFolder(common.model) / "contexts.json") ? std::optional<std::string>("")
                                                                 : std::nullopt;
}

}  // namespace

void VisitLreOptions(LreArguments& a, OptionVisitor& option) {
  option.Topic("Relations");
  option(&a.relations, {.names = "--relations",
                        .help = "RELATIONS file, or a folder of them; repeatable",
                        .decides = Decides::kSelection});
  option.Topic("Operator");
  option(&a.layers, {.names = "--layers",
                     .help = "Layers, as 3, 0-15, embed,2-4 or all; embed is the embedding"});
  option.Topic("Trials");
  option(&a.samples, {.names = "--samples",
                      .help = "Number of samples that an operator is made from",
                      .bounds = Integers{2, 1000}});
  option(&a.trials, {.names = "--trials",
                     .help = "Number of random splits of each relation",
                     .bounds = Integers{1, 1000}});
  option.Topic("Operator");
  option(&a.betas, {.names = "--betas",
                    .help = "Values of beta to choose from, as 1,2.5",
                    .otherwise = "0 to 5 in quarters",
                    .bounds = Numbers{0, 1e6},
                    .list = List::kCommas});
  option(&a.ranks, {.names = "--ranks",
                    .help = "Ranks of the inverse to choose from, as 0,8,16",
                    .otherwise = "0 to 312 in eights",
                    .bounds = Integers{0, 1'000'000},
                    .list = List::kCommas});
  option.Topic("Trials");
  option(&a.limit, {.names = "--limit",
                    .help = "Maximum number of test samples of a trial, drawn among those known; "
                            "more than --samples",
                    .otherwise = "all",
                    .bounds = Integers{1, 1'000'000'000}});
  option.Topic("Prompts");
  option(&a.prefix, {.names = "--prefix",
                     .help = "What prompts begin with",
                     .otherwise = "nothing where the checkpoint has a contexts.json, else "
                                  "<|endoftext|> where the tokenizer has it"});
  option.Topic("Compatibility");
  option(&a.compat, {.names = "--compat",
                     .help = "relations: as the public implementation does, layers, beta and the "
                             "rank are chosen on the test samples; --limit "
                             "takes the first of these by subject; subjects of examples are tested "
                             "too; with its seed. transformers: the gated norm of a "
                             "Mamba-2 with several groups is taken over the whole width",
                     .bounds = OneOf{{"none", "transformers", "relations"}}});
  option.Topic("Memory and output");
  option(&a.save, {.names = "--save",
                   .help = "Relations whose operators are kept in OUT/lre, or all; repeatable",
                   .otherwise = "none",
                   .decides = Decides::kSelection});
  VisitMemoryOption(a.memory, "a pass, without the Jacobians,", option);
  VisitOutputOptions(a.output, "out/lre-MODEL", option);
  option.Topic("Saved operators");
  option(&a.apply, {.names = "--apply",
                    .help = "Ask an operator that --save kept for the object of --subject",
                    .decides = Decides::kConduct,
                    .excludes = {"--relations", "--layers", "--samples", "--trials", "--betas",
                                 "--ranks", "--limit", "--prefix", "--compat", "--save", "--memory",
                                 "--out", "--force"}});
  option(
      &a.subject,
      {.names = "--subject",
       .help =
           "With --apply: the subject, asked for after the samples that the operator was made from",
       .decides = Decides::kConduct,
       .needs = {"--apply"}});
  option(&a.prompt,
         {.names = "--prompt",
          .help = "With --apply: ask with this prompt, {} for the subject, and no examples",
          .decides = Decides::kConduct,
          .needs = {"--apply"}});
  option(&a.top, {.names = "--top",
                  .help = "With --apply: number of tokens to list",
                  .bounds = Integers{1, 1'000'000},
                  .decides = Decides::kConduct,
                  .needs = {"--apply"}});
}

void CheckLreOptions(const CommonArguments& common, const LreArguments& a) {
  Refuse(!a.apply && a.relations.empty(),
         "no relations: give --relations, or --apply with --subject");
  Refuse(a.apply && !a.subject, "--apply needs --subject");
  Refuse(a.limit && *a.limit <= a.samples,
         "--limit must be more than --samples: so many are tested at least");
  Refuse(common.check, "--check is of sweeps that are computed in parts; lre has no such check");
}

LreOptions MakeLreOptions(const CommonArguments& common, const LreArguments& a,
                          const Model& model) {
  const bool published_seed = a.compat == "relations" && !common.seed;
  LreOptions options{.train = a.samples,
                     .trials = a.trials,
                     .layers = ChooseLayers(a.layers, model.layers()),
                     .betas = a.betas,
                     .ranks = a.ranks,
                     .limit = a.limit.value_or(0),
                     .seed = published_seed ? LreOptions().seed : common.Seed()};
  options.memory = MemoryLimit(a.memory, model);
  if (a.compat == "relations") options = AsPublished(options);
  options.train_prompts.prefix = options.test_prompts.prefix = ChoosePrefix(common, a);
  return options;
}

std::vector<Relation> TakeRelations(const CommonArguments& common, const LreArguments& a) {
  ReadFaults faults;
  std::vector<Relation> relations =
      ReadRelations({a.relations.begin(), a.relations.end()}, &faults);
  WarnOfFaults(common, faults);
  std::map<std::string, std::string> names;
  for (const Relation& relation : relations) {
    const auto [found, is_new] = names.emplace(OperatorFile(relation.name), relation.name);
    if (!is_new)
      throw Error(
          fmt::format("two relations are named '{}' and '{}'", found->second, relation.name),
          "--save would give them the same file: their letters, digits, _ and - must differ");
  }
  for (const std::string& name : a.save) {
    if (name != "all" && std::none_of(relations.begin(), relations.end(),
                                      [&](const Relation& r) { return r.name == name; }))
      throw Error(fmt::format("--save {}: no relation has that name", name),
                  "name those in --relations, or all");
  }
  return relations;
}

std::string OperatorFile(const std::string& relation) {
  std::string name = relation;
  std::replace_if(
      name.begin(), name.end(),
      [](unsigned char c) { return std::isalnum(c) == 0 && c != '_' && c != '-'; }, '_');
  return "lre/" + name + ".safetensors";
}

}  // namespace mambascope
