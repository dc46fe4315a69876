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
                        .help = "RELATIONS file, or folder of such files; repeatable",
                        .decides = Decides::kSelection});
  option.Topic("Operator");
  option(&a.layers, {.names = "--layers",
                     .help = "Layers, as 3, 0-15, embed,2-4 or all; embed is the token embedding"});
  option.Topic("Trials");
  option(&a.samples, {.names = "--samples",
                      .help = "Number of samples from which an operator is made",
                      .bounds = Integers{2, 1000}});
  option(&a.trials, {.names = "--trials",
                     .help = "Number of random splits of each relation",
                     .bounds = Integers{1, 1000}});
  option.Topic("Operator");
  option(&a.betas, {.names = "--betas",
                    .help = "Values of beta to try, as 1,2.5",
                    .otherwise = "0 to 5 in steps of 0.25",
                    .bounds = Numbers{0, 1e6},
                    .list = List::kCommas});
  option(&a.ranks, {.names = "--ranks",
                    .help = "Ranks of the inverse to try, as 0,8,16",
                    .otherwise = "0 to 312 in steps of 8",
                    .bounds = Integers{0, 1'000'000},
                    .list = List::kCommas});
  option.Topic("Trials");
  option(&a.limit, {.names = "--limit",
                    .help = "Maximum number of test samples of a trial, drawn from the known ones; "
                            "more than --samples",
                    .otherwise = "all",
                    .bounds = Integers{1, 1'000'000'000}});
  option.Topic("Prompts");
  option(&a.prefix, {.names = "--prefix",
                     .help = "Text at the beginning of every prompt",
                     .otherwise = "none where the checkpoint has a contexts.json; else "
                                  "<|endoftext|> where the tokenizer has it and adds no BOS"});
  option.Topic("Compatibility");
  option(&a.compat,
         {.names = "--compat",
          .help = "Follow a public implementation. relations: layer, beta and rank are chosen on "
                  "the test samples, --limit takes the first of these by subject, subjects of "
                  "examples are tested too, the seed is 123456, and <|endoftext|> comes first even "
                  "where the checkpoint has a contexts.json. transformers: as for the other "
                  "commands",
          .bounds = OneOf{{"none", "transformers", "relations"}}});
  option.Topic("Memory and output");
  option(&a.save, {.names = "--save",
                   .help = "Relations whose operators are saved in OUT/lre, or all; repeatable",
                   .otherwise = "none",
                   .decides = Decides::kSelection});
  VisitMemoryOption(a.memory, "a pass, without the Jacobians,", option);
  VisitOutputOptions(a.output, "out/lre-MODEL", option);
  option.Topic("Saved operators");
  option(&a.apply,
         {.names = "--apply",
          .help = "File of an operator that --save wrote; it is asked for the object of --subject",
          .decides = Decides::kConduct,
          .excludes = {"--relations", "--layers", "--samples", "--trials", "--betas", "--ranks",
                       "--limit", "--prefix", "--compat", "--save", "--memory", "--out", "--force",
                       "--table"}});
  option(&a.subject, {.names = "--subject",
                      .help = "With --apply: the subject. The prompt begins with the samples from "
                              "which the operator was made",
                      .decides = Decides::kConduct,
                      .needs = {"--apply"}});
  option(&a.prompt,
         {.names = "--prompt",
          .help = "With --apply: a prompt of your own without examples, with {} for the subject",
          .decides = Decides::kConduct,
          .needs = {"--apply"}});
  option(&a.top, {.names = "--top",
                  .help = "With --apply: number of tokens to list",
                  .bounds = Integers{1, 1'000'000},
                  .decides = Decides::kConduct,
                  .needs = {"--apply"}});
}

void CheckLreOptions(const LreArguments& a) {
  Refuse(!a.apply && a.relations.empty(),
         "there are no relations: give --relations, or --apply and --subject");
  Refuse(a.apply && !a.subject, "--apply needs --subject");
  Refuse(a.limit && *a.limit <= a.samples, "--limit must be more than --samples");
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
      throw Error(fmt::format("the relations '{}' and '{}' would have the same file", found->second,
                              relation.name),
                  "rename one: their letters, digits, _ and - must differ");
  }
  for (const std::string& name : a.save) {
    if (name != "all" && std::none_of(relations.begin(), relations.end(),
                                      [&](const Relation& r) { return r.name == name; }))
      throw Error(fmt::format("--save {}: no relation has that name", name),
                  "name a relation of --relations, or all");
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
