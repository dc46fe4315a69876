// Linear relational embeddings of relations (experiments/lre.h), one after the other; results are on disk as they come.
#include "mambascope/experiments/lre.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/lre_setup.h"
#include "mambascope/cli/progress.h"
#include "mambascope/data/prompt.h"
#include "mambascope/error.h"
#include "mambascope/experiments/jacobian.h"
#include "mambascope/report/label.h"
#include "mambascope/report/lre_json.h"
#include "mambascope/report/lre_report.h"
#include "mambascope/report/result_lines.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// All of a relation that its line depends on.
std::string DigestOf(const Relation& relation) {
  Json all = {relation.name, relation.prompt_templates[0], relation.properties.relation_type};
  for (const Sample& sample : relation.samples) all.push_back({sample.subject, sample.object});
  return FingerprintOf(DumpJson(all));
}

void Explain(const LreOptions& options, size_t relations, size_t done) {
  fmt::print(stderr,
             "plan: {} relations ({} are there already), {} trials each: Jacobians of {} layers at {} prompts, from the same sweeps; "
             "then a sweep per layer with all ranks\n",
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
  Progress progress("lre: relations", "steps", common.quiet, static_cast<double>(there));
  int64_t steps = 0;
  size_t done = there;
  for (const Relation& relation : relations) {
    if (lines.Has(relation)) continue;
    options.progress = [&](int64_t step, int64_t of) {
      const double part = static_cast<double>(step) / static_cast<double>(of);
      progress(static_cast<double>(done) + part, static_cast<int64_t>(relations.size()), ++steps);
    };
    lines.Add(relation, LreLine(MeasureRelation(model, tokenizer, relation, options), relation.properties.relation_type));
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
    const LreRemake made = LreFromLine(line);
    const LreOperator lre = MakeOperator(model, tokenizer, relation, made.measured, made.measured.trials[0], 0, options);
    const fs::path file = OperatorFile(a, relation.name);
    PrepareFile(file);
    WriteLre(file, {lre, made.rank, relation.name, Fingerprint(ModelFolder(common.model))});
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

// The most probable tokens of one output of the last block.
Json TopTokens(const Model& model, const std::optional<Tokenizer>& tokenizer, const at::Tensor& z, int64_t top) {
  const at::Tensor p = model.Unembed(z).cpu().to(at::kFloat).softmax(0);
  const auto [values, ids] = p.topk(std::min(top, p.size(0)));
  Json list = Json::array();
  for (int64_t i = 0; i < ids.size(0); ++i) {
    const auto id = ids[i].item<int64_t>();
    list.push_back({{"id", id}, {"text", TokenText(tokenizer, id)}, {"prob", values[i].item<double>()}});
  }
  return list;
}

std::string TokenColumn(const Json& token) {
  return fmt::format("{:8.4f}  {:<20}", token["prob"].get<double>(),
                     token["text"].is_string() ? VisibleText(token["text"].get<std::string>()) : "");
}

void RunApply(const CommonOptions& common, const LreArguments& a) {
  const StoredLre stored = ReadLre(*a.apply);
  if (const std::string model = Fingerprint(ModelFolder(common.model)); stored.model != model)
    throw Error(fmt::format("{} is of another checkpoint ({}) than {} ({})", *a.apply, stored.model, common.model, model),
                "give the --model that it was made with");
  const std::optional<Tokenizer> tokenizer = RequireTokenizer(common);
  const Model model = LoadModel(common);
  const Prompt prompt = MakePrompt(*tokenizer, IsPattern(*a.prompt) ? *a.prompt : PatternOf(*a.prompt, *a.subject), *a.subject);
  const auto end = static_cast<int64_t>(prompt.ids.size()) - 1;
  const Place from = BlockOutput(stored.lre.layer), top = BlockOutput(model.layers() - 1);
  const at::Tensor h = TokenStates(model, {{prompt.ids, static_cast<int64_t>(prompt.subject_span.end) - 1}}, {from}).at(from)[0];
  LreOperator lre = stored.lre;
  lre.w = lre.w.to(h.device());
  lre.b = lre.b.to(h.device());
  const at::Tensor own = TokenStates(model, {{prompt.ids, end}}, {top}).at(top)[0];
  const Json says = TopTokens(model, tokenizer, lre(h.to(at::kFloat)), a.top), model_says = TopTokens(model, tokenizer, own, a.top);
  const Json layer = LayerJson(lre.layer);
  std::string text = fmt::format("{} at layer {}, beta {}\n{:<32}{}\n", VisibleText(stored.relation), DumpJson(layer), lre.beta,
                                 "    the operator says", "    the model says");
  for (size_t i = 0; i < says.size(); ++i) text += fmt::format("{:<32}{}\n", TokenColumn(says[i]), TokenColumn(model_says[i]));
  Print(common,
        {{"relation", stored.relation},
         {"layer", layer},
         {"beta", lre.beta},
         {"prompt", prompt.text},
         {"operator", says},
         {"model", model_says}},
        text);
}

}  // namespace

void LreCommand(CLI::App& command, CommonOptions& common) {
  const auto a = std::make_shared<LreArguments>();
  AddLreOptions(command, *a);
  command.callback([&command, &common, a] {
    CheckLreOptions(common, *a);
    if (a->apply) return RunApply(common, *a);
    const bool published_seed = a->compat == "relations" && command.get_option("--seed")->count() == 0;
    RunRelations(common, *a, published_seed ? LreOptions().seed : common.seed);
  });
}

}  // namespace mambascope
