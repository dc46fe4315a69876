#include "mambascope/cli/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/progress.h"
#include "mambascope/error.h"
#include "mambascope/figures/label.h"
#include "mambascope/jobs/result_lines.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kRecheckedCells = 8;  // of each sweep, for --check

bool IsNoisy(const FactOptions& o) { return o.corruption && o.corruption->noise > 0; }

ChoiceOptions::Corruption CorruptionOf(const FactOptions& o) {
  if (!o.corruption) return ChoiceOptions::Corruption::kNone;
  return IsNoisy(o) ? ChoiceOptions::Corruption::kNoise : ChoiceOptions::Corruption::kOtherSubject;
}

std::vector<Fact> ReadFacts(const FactOptions& o) {
  std::vector<Fact> facts;
  if (!o.relations.empty()) facts = FactsOf(ReadRelations({o.relations.begin(), o.relations.end()}));
  for (const std::string& file : o.counterfact) {
    std::vector<Fact> more = FactsOf(ReadCounterFact(file));
    facts.insert(facts.end(), more.begin(), more.end());
  }
  return Distinct(facts);
}

// What tells a fact's line from others.
std::string KeyOf(const Json& relation, const Json& prompt, const Json& corrupt_subject) {
  return DumpJson({relation, prompt, corrupt_subject});
}

std::string KeyOf(const FactPair& pair) {
  return KeyOf(pair.relation.empty() ? Json() : Json(pair.relation), pair.clean.text, pair.corrupt ? Json(pair.corrupt->subject) : Json());
}

// Runs `batch` over `open` facts, `at_a_time`, beside `done` that need not be run; `keep` gets every fact's line.
Audit RunOpen(const std::vector<FactPair>& open, size_t done, CellOptions cells, Progress&& progress, size_t at_a_time,
              const FactBatch& batch, const std::function<void(const FactPair&, const Json&)>& keep) {
  Audit audit;
  for (size_t begin = 0; begin < open.size(); begin += at_a_time) {
    const size_t end = std::min(begin + at_a_time, open.size());
    cells.sweep.progress = [&](int64_t cell, int64_t of) {  // of the sweep at hand, whose plan is in the audit already
      const double facts = static_cast<double>(end - begin) * static_cast<double>(cell) / static_cast<double>(of);
      progress(static_cast<double>(done + begin) + facts, static_cast<int64_t>(done + open.size()), audit.plan.cases - of + cell);
    };
    const std::vector<FactPair> pairs(open.begin() + static_cast<int64_t>(begin), open.begin() + static_cast<int64_t>(end));
    const std::vector<Json> lines = batch(pairs, cells, audit);
    for (size_t i = 0; i < pairs.size(); ++i) keep(pairs[i], lines[i]);
  }
  return audit;
}

void Explain(const SweepPlan& plan, size_t facts, size_t done) {
  if (done > 0) fmt::print(stderr, "plan: {} of {} facts are there already\n", done, done + facts);
  fmt::print(
      stderr,
      "plan: {} facts, {} cells in {} {}: {} layer-tokens of {} with a whole pass per cell ({:.1f} %); at most {} rows, about {} MB\n",
      facts, plan.cases, plan.passes, plan.passes == 1 ? "pass" : "passes", plan.layer_tokens, plan.naive_layer_tokens,
      100.0 * static_cast<double>(plan.layer_tokens) / static_cast<double>(std::max<int64_t>(1, plan.naive_layer_tokens)), plan.peak_rows,
      plan.peak_bytes >> 20);
}

void ReportCheck(const CommonOptions& common, const Audit& audit) {
  if (audit.rechecked == 0) {
    fmt::print(stderr, "check: nothing was computed, so nothing was checked: all facts were there already\n");
    return;
  }
  const double allowed = common.dtype == "float32" ? 1e-4 : 2e-2;
  fmt::print(stderr, "check: {} cells computed again by whole passes; largest difference of p(answer) {:.1e}\n", audit.rechecked,
             audit.largest_difference);
  if (audit.largest_difference > allowed)
    throw Error(fmt::format("the sweep and whole passes differ by {:.1e}, more than rounding explains", audit.largest_difference),
                "this is a fault of mambascope: please report the command");
}

}  // namespace

void AddFactOptions(CLI::App& command, FactOptions& o) {
  command.add_option("--relations", o.relations, "RELATIONS file, or a folder of them; repeatable");
  command.add_option("--counterfact", o.counterfact, "CounterFact file, proper or EasyEdit's; repeatable");
  command.add_option("--limit", o.limit, "so many known facts, after a seeded shuffle; without it, all")
      ->check(CLI::Range(1, 1'000'000'000));
  command.add_flag("--all-facts", o.all_facts, "keep facts that the model does not know");
  command.add_option("--prompt", o.prompt, "one fact, with {} for the subject, as \"{} is located in\"");
  command.add_option("--subject", o.subject);
  command.add_option("--answer", o.answer, "whose first token is followed; without it, the clean prompt's most probable token");
  AddMemoryOption(command, o.memory, "a sweep");
  command.add_option("--out", o.out, "folder for the results")->capture_default_str();
}

void AddCorruptionOptions(CLI::App& command, FactOptions& o) {
  CorruptionOptions& c = o.corruption.emplace();
  command.add_option("--corrupt-subject", c.subject, "what stands in its place in the corrupted prompt");
  command
      .add_option("--noise", c.noise,
                  "corrupt by Gaussian noise on the subject's embedding, of so many times the embedding's standard deviation; published "
                  "results take 3")
      ->check(NumberIn(1e-6, 1e6));
  command.add_option("--samples", c.samples, "of the noise; 10 without it")->check(CLI::Range(1, 1000));
}

void PrepareFacts(const FactOptions& o, const std::string& name) {
  const bool files = !o.relations.empty() || !o.counterfact.empty(), one = o.prompt || o.subject;
  const auto refuse = [](bool when, const char* what) {
    if (when) throw CLI::ValidationError(what);
  };
  refuse(files && one, "--prompt and --subject name one fact, --relations and --counterfact many: give one or the other");
  refuse(!files && (!o.prompt || !o.subject), "no facts: give --prompt and --subject, --relations or --counterfact");
  if (o.corruption) {
    const auto& [other, noise, samples] = *o.corruption;
    refuse(noise != 0 && other, "--noise and --corrupt-subject: a prompt is corrupted in one way");
    refuse(noise == 0 && samples, "--samples are of the noise, given with --noise");
    refuse(!files && noise == 0 && !other, "one fact needs --corrupt-subject or --noise");
    refuse(files && other, "--corrupt-subject is of one fact, given with --prompt");
  }
  refuse(!files && (o.limit > 0 || o.all_facts), "--limit and --all-facts are of --relations and --counterfact");
  refuse(files && o.answer, "--answer is of one fact, given with --prompt");
  for (const char* extension : {".json", ".html"}) PrepareFile(fs::path(o.out) / (name + extension));
}

int64_t FirstToken(const Tokenizer& tokenizer, const std::string& text) {
  if (text.empty()) throw Error("the answer is empty");
  const std::vector<Token> tokens = tokenizer.EncodeContinuation(text.starts_with(' ') ? text : " " + text);
  if (tokens.empty()) throw Error(fmt::format("the answer '{}' has no token", text));
  return tokens.front().id;
}

FactPair OneFact(const FactOptions& o, const Tokenizer& tokenizer) {
  if (o.corruption && o.corruption->subject == o.subject) throw Error("--corrupt-subject is the subject itself", "name another one");
  const std::string pattern = GivenPattern(*o.prompt, *o.subject);
  FactPair pair{.relation = {}, .clean = MakePrompt(tokenizer, pattern, *o.subject), .corrupt = {}, .answer_id = {}};
  if (o.answer) pair.answer_id = FirstToken(tokenizer, *o.answer);
  if (o.corruption && o.corruption->subject) pair.corrupt = MakePrompt(tokenizer, pattern, *o.corruption->subject);
  return pair;
}

FactWork TakeFacts(const CommonOptions& common, const FactOptions& o, const Model& model, const Tokenizer& tokenizer,
                   const std::vector<Knower>& others) {
  FactWork work;
  std::vector<std::string> subjects;  // that the noise takes its scale from
  if (o.prompt) {
    work.pairs = {OneFact(o, tokenizer)};
    subjects = {*o.subject};
  } else {
    const std::vector<Fact> facts = ReadFacts(o);
    for (const Fact& fact : facts) subjects.push_back(fact.subject);
    Progress progress("choosing facts", "facts", common.quiet);
    const int64_t wanted = o.limit > 0 ? o.limit : static_cast<int64_t>(facts.size());
    ChoiceOptions options{
        .limit = o.limit,
        .facts = o.all_facts ? ChoiceOptions::Facts::kAll : ChoiceOptions::Facts::kKnown,
        .corruption = CorruptionOf(o),
        .seed = common.seed,
        .progress = [&](int64_t chosen, int64_t tested) { progress(static_cast<double>(o.limit > 0 ? chosen : tested), wanted, tested); }};
    for (const auto& [other, its_tokenizer] : others)
      options.also_known.emplace_back([other = other, its_tokenizer = its_tokenizer](const std::vector<Fact>& asked) {
        return KnowsFacts(*other, *its_tokenizer, asked);
      });
    Choice choice = ChoosePairs(model, tokenizer, facts, options);
    work.pairs = std::move(choice.pairs);
    work.facts = std::move(choice.facts);
    work.relations = std::move(choice.relations);
  }
  if (IsNoisy(o)) {
    if (common.seed > UINT32_MAX) throw Error("--seed: noise takes seeds up to 4294967295, as NumPy does");
    work.noise = Noise{.std = o.corruption->noise * EmbeddingStd(model, tokenizer, subjects),
                       .samples = o.corruption->samples.value_or(10),
                       .seed = static_cast<uint32_t>(common.seed)};
  }
  return work;
}

Json EchoFactOptions(const FactOptions& o, const FactWork& work) {
  const auto given = [](const std::optional<std::string>& text) { return text ? Json(*text) : Json(); };
  Json json = Json::object();
  if (o.corruption) json["noise"] = work.noise ? Json(o.corruption->noise) : Json();
  if (work.noise) json.update({{"noise_std", work.noise->std}, {"samples", work.noise->samples}});
  if (work.relations.empty()) {
    json.update({{"prompt", given(o.prompt)}, {"subject", given(o.subject)}, {"answer", given(o.answer)}});
    if (o.corruption) json["corrupt_subject"] = given(o.corruption->subject);
  } else {
    json.update({{"relations", o.relations},
                 {"counterfact", o.counterfact},
                 {"limit", o.limit > 0 ? Json(o.limit) : Json()},
                 {"all_facts", o.all_facts}});
  }
  return json;
}

std::vector<Json> RunBatches(const std::string& name, const CommonOptions& common, const FactOptions& o, const Model& model,
                             const FactWork& work, const Json& echo, const FactBatch& batch) {
  std::map<std::string, Json> lines;
  std::optional<ResultLines> file;
  if (!work.relations.empty()) {
    Json made_by = echo;
    for (const char* no_matter : {"commit", "limit", "all_facts", "relations", "counterfact", "model", "tokenizer"})
      made_by.erase(no_matter);
    file.emplace(fs::path(o.out) / (name + ".jsonl"), made_by);
    for (const Json& line : file->earlier())
      lines[KeyOf(line.at("relation"), line.at("prompt"), line.value("corrupt_subject", Json()))] = line;
  }
  std::vector<FactPair> open;
  for (const FactPair& pair : work.pairs) {
    if (!lines.contains(KeyOf(pair))) open.push_back(pair);
  }
  const size_t done = work.pairs.size() - open.size();
  CellOptions cells{.recheck = common.check ? kRecheckedCells : 0, .seed = common.seed};
  cells.sweep.memory = MemoryOf(o.memory, model);
  const Audit audit = RunOpen(open, done, cells, Progress(name + ": facts", "cells", common.quiet, static_cast<double>(done)),
                              FactsTogether(model.device(), model.parameters()), batch, [&](const FactPair& pair, const Json& line) {
                                if (file) file->Append(line);
                                lines[KeyOf(pair)] = line;
                              });
  if (common.explain) Explain(audit.plan, open.size(), done);
  if (common.check) ReportCheck(common, audit);
  std::vector<Json> results;
  for (const FactPair& pair : work.pairs) results.push_back(lines.at(KeyOf(pair)));
  return results;
}

void WriteResults(const std::string& name, const CommonOptions& common, const FactOptions& o, const Json& json, const std::string& page,
                  const std::string& text) {
  const fs::path json_file = fs::path(o.out) / (name + ".json"), page_file = fs::path(o.out) / (name + ".html");
  WriteFile(json_file, DumpJson(json, 1) + "\n");
  WriteFile(page_file, page);
  Print(common, json, fmt::format("{}{}\n{}\n", text, json_file.string(), page_file.string()));
}

std::string FactText(const TracedFact& fact) {
  const bool guarded = Effect(fact) < kGuard;
  return fmt::format("{} -> {}\n  clean      p = {:.4g}  ({})\n  corrupted  p = {:.4g}  ({})\n{}\n", fact.clean.text,
                     VisibleText(fact.answer), fact.p_clean, fact.clean.subject, fact.p_corrupt,
                     fact.corrupt ? fact.corrupt->subject : "noise",
                     guarded ? "  the clean prompt does not make this answer more probable: there is nothing to restore\n" : "");
}

std::string FactsText(const FactWork& work) {
  if (work.relations.empty()) return "";
  std::string text = fmt::format("{} facts\n", work.pairs.size());
  for (const RelationCount& r : work.relations) {
    if (r.chosen > 0 || r.without_partner > 0)
      text += fmt::format("  {:<32} {:>5} facts, {:>5} tested, {:>5} known, {:>5} chosen{}\n", r.name.empty() ? "(no relation)" : r.name,
                          r.facts, r.tested, r.known, r.chosen,
                          r.without_partner > 0 ? fmt::format(", {} without another subject", r.without_partner) : "");
  }
  return text;
}

}  // namespace mambascope
