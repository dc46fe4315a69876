// Linear relational embeddings of relations (experiments/lre.h), one after the other; results are on disk as they come.
#include "mambascope/experiments/lre/lre.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/lre_apply.h"
#include "mambascope/cli/lre_setup.h"
#include "mambascope/cli/progress.h"
#include "mambascope/reports/lre_json.h"
#include "mambascope/reports/lre_report.h"
#include "mambascope/jobs/result_lines.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// All of a relation that its line depends on.
std::string DigestOf(const Relation& relation) {
  Json all = {relation.name, relation.prompt_templates[0], relation.properties.relation_type};
  for (const Sample& sample : relation.samples) all.push_back({sample.subject, sample.object});
  return FingerprintText(DumpJson(all));
}

void Explain(const LreOptions& options, size_t relations, size_t done) {
  fmt::print(
      stderr,
      "plan: {} relations ({} are there already), {} trials each; in a trial, the Jacobians of {} layers at {} prompts, one backward "
      "sweep a prompt, then all edits at all layers and ranks in one sweep\n",
      relations, done, options.trials, options.layers.size(), options.train);
}

// The lines of lre.jsonl, those that are there already not measured again.
class Lines {
 public:
  Lines(const fs::path& file, Json made_by) : file_(file, WithoutIrrelevant(std::move(made_by))) {
    for (Json line : file_.earlier()) {
      line.erase("made_by");
      const std::string digest = line.at("relation");
      done_[digest] = std::move(line);
    }
  }
  bool Has(const Relation& relation) const { return done_.contains(DigestOf(relation)); }
  // Without what only the file needs.
  Json Get(const Relation& relation) const {
    Json line = done_.at(DigestOf(relation));
    line.erase("relation");
    return line;
  }
  void Add(const Relation& relation, Json line) {
    line["relation"] = DigestOf(relation);
    file_.Append(line);
    done_[DigestOf(relation)] = std::move(line);
  }

 private:
  static Json WithoutIrrelevant(Json options) {
    for (const char* no_matter : {"commit", "relations", "model", "tokenizer", "save"}) options.erase(no_matter);
    return options;
  }
  ResultLines file_;
  std::map<std::string, Json> done_;  // by digest
};

void MeasureOpen(const CommonOptions& common, const Model& model, const Tokenizer& tokenizer, const std::vector<Relation>& relations,
                 LreOptions options, Lines& lines) {
  const auto there = static_cast<size_t>(std::count_if(relations.begin(), relations.end(), [&](const auto& r) { return lines.Has(r); }));
  if (common.explain) Explain(options, relations.size(), there);
  const auto total = static_cast<int64_t>(relations.size());
  Progress progress("lre: relations", "", common.quiet, static_cast<double>(there));
  size_t done = there;
  for (const Relation& relation : relations) {
    if (lines.Has(relation)) continue;
    options.progress = [&](double part) { progress(static_cast<double>(done) + part, total); };
    lines.Add(relation, LreLine(MeasureRelation(model, tokenizer, relation, options), relation));
    ++done;
  }
}

// Writes the operators that --save asks for, made again from their lines; returns the files.
std::string SaveOperators(const CommonOptions& common, const LreArguments& a, const Model& model, const Tokenizer& tokenizer,
                          const std::vector<Relation>& relations, const LreOptions& options, const Lines& lines) {
  const auto is_wanted = [&](const std::string& name) {
    return std::any_of(a.save.begin(), a.save.end(), [&](const std::string& save) { return save == "all" || save == name; });
  };
  std::string files;
  for (const Relation& relation : relations) {
    const Json line = lines.Get(relation);
    if (!is_wanted(relation.name) || line.contains("skipped")) continue;
    const LreChoice choice = ChoiceFromLine(line);
    const LreOperator lre = MakeOperator(model, tokenizer, relation, choice, options);
    const fs::path file = OperatorFile(a, relation.name);
    PrepareFile(file);
    WriteLre(file, {lre, choice.rank, relation.name, Fingerprint(ModelFolder(common.model)), relation.prompt_templates[0], choice.train,
                    options.train_prompts.prefix});
    files += file.string() + "\n";
  }
  return files;
}

void RunRelations(const CommonOptions& common, const LreArguments& a, uint64_t seed) {
  const fs::path out = a.out, json_file = out / "lre.json", page_file = out / "lre.html";
  const std::vector<Relation> relations = TakeRelations(a);
  const Tokenizer tokenizer = RequireTokenizer(common);
  const Model model = LoadModel(common);
  const LreOptions options = LreOptionsOf(common, a, seed, model);
  for (const fs::path& file : {json_file, page_file}) PrepareFile(file);
  const Json echo = EchoLre(common, a, options);
  Lines lines(out / "lre.jsonl", echo);
  MeasureOpen(common, model, tokenizer, relations, options, lines);
  std::vector<Json> results;
  for (const Relation& relation : relations) results.push_back(lines.Get(relation));
  const Json json = LreJson(echo, results);
  WriteFile(json_file, DumpJson(json, 1) + "\n");
  WriteFile(page_file, LrePage(json));
  const std::string saved = SaveOperators(common, a, model, tokenizer, relations, options, lines);
  Print(common, json, fmt::format("{}{}{}\n{}\n", LreText(json), saved, json_file.string(), page_file.string()));
}

}  // namespace

void LreCommand(CLI::App& command, CommonOptions& common) {
  const auto a = std::make_shared<LreArguments>();
  AddLreOptions(command, *a);
  command.callback([&command, &common, a] {
    CheckLreOptions(common, *a);
    if (a->apply) return ApplyLre(common, *a);
    const bool published_seed = a->compat == "relations" && command.get_option("--seed")->count() == 0;
    RunRelations(common, *a, published_seed ? LreOptions().seed : common.seed);
  });
}

}  // namespace mambascope
