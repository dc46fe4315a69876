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
  for (const std::string& part : CLI::detail::split(text, ',')) {
    if (part == "embed") embed = true;
    else blocks.push_back(part);
  }
  if (text.ends_with(',')) blocks.emplace_back();  // which ParseLayers refuses
  std::vector<int> chosen;
  if (embed) chosen.push_back(kEmbedLayer);
  if (blocks.empty()) return chosen;
  for (const int layer : ParseLayers(fmt::format("{}", fmt::join(blocks, ",")), layers)) chosen.push_back(layer);
  return chosen;
}

// A checkpoint with contexts of its own does not know the usual beginnings of texts: its prompts begin with nothing.
std::optional<std::string> ChoosePrefix(const CommonOptions& common, const LreArguments& a) {
  if (a.prefix || a.compat != "none") return a.prefix;
  return fs::exists(ModelFolder(common.model) / "contexts.json") ? std::optional<std::string>("") : std::nullopt;
}

}  // namespace

void AddLreOptions(CLI::App& command, LreArguments& a) {
  command.add_option("--relations", a.relations, "RELATIONS file, or a folder of them; repeatable");
  command.add_option("--layers", a.layers, "as 3, 0-15, embed,2-4 or all; embed is the embedding")->capture_default_str();
  command.add_option("--samples", a.samples, "that an operator is made from")->check(CLI::Range(2, 1000))->capture_default_str();
  command.add_option("--trials", a.trials, "splits of each relation")->check(CLI::Range(1, 1000))->capture_default_str();
  command.add_option("--betas", a.betas, "to choose from, as 1,2.5; without it, 0 to 5 in quarters")
      ->delimiter(',')
      ->check(NumberIn(0.0, 1e6));
  command.add_option("--ranks", a.ranks, "of the inverse, to choose from, as 0,8,16; without it, 0 to 312 in eights")
      ->delimiter(',')
      ->check(CLI::Range(0, 1'000'000));
  command.add_option("--limit", a.limit, "test samples of a trial, drawn among those known, more than --samples; without it, all")
      ->check(CLI::Range(1, 1'000'000'000));
  command.add_option("--prefix", a.prefix,
                     "what prompts begin with; without it, nothing where the checkpoint has a contexts.json, else <|endoftext|> where the "
                     "tokenizer has it");
  command
      .add_option(
          "--compat", a.compat,
          "relations: as the public implementation does: layers, beta and the rank are chosen on the test samples, which --limit takes the "
          "first of by subject, and subjects of examples are tested too; with its seed")
      ->check(CLI::IsMember({"none", "relations"}))
      ->capture_default_str();
  command.add_option("--save", a.save, "relations whose operators are kept in OUT/lre, or all; repeatable");
  AddMemoryOption(command, a.memory, "a pass, without the Jacobians,");
  command.add_option("--out", a.out, "folder for the results")->capture_default_str();
  CLI::Option* apply = command.add_option("--apply", a.apply, "an operator that --save kept, for --subject");
  command.add_option("--subject", a.subject, "asked for after the samples that the operator was made from")->needs(apply);
  command.add_option("--prompt", a.prompt, "asks with this, {} for the subject, and no examples")->needs(apply);
  command.add_option("--top", a.top, "tokens that --apply lists")->needs(apply)->check(CLI::Range(1, 1'000'000))->capture_default_str();
  for (const char* of_relations : {"--relations", "--layers", "--samples", "--trials", "--betas", "--ranks", "--limit", "--prefix",
                                   "--compat", "--save", "--memory", "--out"})
    command.get_option(of_relations)->excludes(apply);
}

void CheckLreOptions(const CommonOptions& common, const LreArguments& a) {
  const auto refuse = [](bool when, const char* what) {
    if (when) throw CLI::ValidationError(what);
  };
  refuse(!a.apply && a.relations.empty(), "no relations: give --relations, or --apply with --subject");
  refuse(a.apply && !a.subject, "--apply needs --subject");
  refuse(a.limit != 0 && a.limit <= a.samples, "--limit must be more than --samples: so many are tested at least");
  refuse(common.check, "--check is of sweeps that are computed in parts; lre has no such check");
}

LreOptions MakeLreOptions(const CommonOptions& common, const LreArguments& a, uint64_t seed, const Model& model) {
  LreOptions options{.train = a.samples,
                     .trials = a.trials,
                     .layers = ChooseLayers(a.layers, model.layers()),
                     .betas = a.betas,
                     .ranks = a.ranks,
                     .limit = a.limit,
                     .seed = seed};
  options.memory = MemoryOf(a.memory, model);
  if (a.compat == "relations") options = AsPublished(options);
  options.train_prompts.prefix = options.test_prompts.prefix = ChoosePrefix(common, a);
  return options;
}

std::vector<Relation> TakeRelations(const LreArguments& a) {
  std::vector<Relation> relations = ReadRelations({a.relations.begin(), a.relations.end()});
  std::map<fs::path, std::string> names;
  for (const Relation& relation : relations) {
    const auto [found, is_new] = names.emplace(OperatorFile(a, relation.name), relation.name);
    if (!is_new)
      throw Error(fmt::format("two relations are named '{}' and '{}'", found->second, relation.name),
                  "--save would give them the same file: their letters, digits, _ and - must differ");
  }
  for (const std::string& name : a.save) {
    if (name != "all" && std::none_of(relations.begin(), relations.end(), [&](const Relation& r) { return r.name == name; }))
      throw Error(fmt::format("--save {}: no relation has that name", name), "name those in --relations, or all");
  }
  return relations;
}

Json EchoLre(const CommonOptions& common, const LreArguments& a, const LreOptions& options) {
  const std::optional<std::string>& prefix = options.train_prompts.prefix;
  return EchoOptions("lre", common,
                     {{"relations", a.relations},
                      {"layers", a.layers},
                      {"samples", a.samples},
                      {"trials", a.trials},
                      {"betas", a.betas.empty() ? Json() : Json(a.betas)},
                      {"ranks", a.ranks.empty() ? Json() : Json(a.ranks)},
                      {"limit", a.limit > 0 ? Json(a.limit) : Json()},
                      {"prefix", prefix ? Json(*prefix) : Json()},
                      {"compat", a.compat},
                      {"save", a.save},
                      {"seed", options.seed}});
}

fs::path OperatorFile(const LreArguments& a, const std::string& relation) {
  std::string name = relation;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0 && c != '_' && c != '-'; }, '_');
  return fs::path(a.out) / "lre" / (name + ".safetensors");
}

}  // namespace mambascope
