#include "mambascope/cli/edit_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/progress.h"
#include "mambascope/data/counterfact.h"
#include "mambascope/data/random.h"
#include "mambascope/data/zsre.h"
#include "mambascope/error.h"
#include "mambascope/experiments/edit_evaluation.h"
#include "mambascope/experiments/fact_pair.h"
#include "mambascope/experiments/zsre_evaluation.h"
#include "mambascope/report/edit_report.h"
#include "mambascope/report/result_lines.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// A fact to rewrite, and how the model that the rewriting leaves is judged.
struct Record {
  Json head;  // what its line begins with
  Rewrite rewrite;
  std::string true_object;
  std::function<Json(const Model&)> evaluate;  // the measures, ES to NA: shares
};

Json MeasuresJson(const RecordScores& scores) {
  Json json;
  const std::pair<PromptKind, char> kKinds[] = {
      {PromptKind::kRewrite, 'E'}, {PromptKind::kParaphrase, 'P'}, {PromptKind::kNeighborhood, 'N'}};
  for (const auto& [kind, letter] : kKinds) {
    const auto found = scores.find(kind);
    const Measures m = found == scores.end() ? Measures() : MeasuresOf(found->second, kind);
    const auto set = [&](char what, double value) { json[std::string{letter, what}] = found == scores.end() ? Json() : Json(value); };
    set('S', m.success);
    set('D', m.magnitude);
    set('A', m.accuracy);
  }
  return json;
}

Record MakeRecord(const CounterFactRecord& r, const Tokenizer& tokenizer) {
  return {.head = {{"case_id", r.case_id},
                   {"relation", r.relation},
                   {"prompt", r.pattern},
                   {"subject", r.subject},
                   {"target_new", r.target_new},
                   {"target_true", r.target_true}},
          .rewrite = {r.pattern, r.subject, r.target_new},
          .true_object = r.target_true,
          .evaluate = [r, &tokenizer](const Model& model) { return MeasuresJson(EvaluateRecords(model, tokenizer, {r})[0]); }};
}

// zsRE has no successes: the shares of correct tokens stand for them, as in the public implementation's score.
Record MakeRecord(const ZsreRecord& r, size_t index, const Tokenizer& tokenizer) {
  return {.head = {{"case_id", index},
                   {"relation", ""},
                   {"prompt", r.pattern},
                   {"subject", r.subject},
                   {"target_new", r.alt.empty() ? r.answers[0] : r.alt},
                   {"target_true", r.answers[0]}},
          .rewrite = {r.pattern, r.subject, r.alt.empty() ? r.answers[0] : r.alt},
          .true_object = r.answers[0],
          .evaluate = [r, &tokenizer](const Model& model) {
            const ZsreScores scores =
                EvaluateZsre(model, tokenizer, {r},
                             {.target = r.alt.empty() ? ZsreEvaluationOptions::Target::kAnswer : ZsreEvaluationOptions::Target::kAlt})[0];
            Json json;
            const std::pair<char, const TargetScore*> kKinds[] = {
                {'E', &scores.rewrite}, {'P', &scores.paraphrase}, {'N', &scores.neighborhood}};
            for (const auto& [letter, score] : kKinds) {
              json[std::string{letter, 'S'}] = score->Accuracy();
              json[std::string{letter, 'A'}] = score->AllCorrect() ? 1.0 : 0.0;
            }
            return json;
          }};
}

std::vector<Record> ReadRecords(const EditOptions& o, const Tokenizer& tokenizer) {
  std::vector<Record> records;
  for (const std::string& file : o.counterfact) {
    for (const CounterFactRecord& record : ReadCounterFact(file)) records.push_back(MakeRecord(record, tokenizer));
  }
  for (const std::string& file : o.zsre) {
    for (const ZsreRecord& record : ReadZsre(file)) records.push_back(MakeRecord(record, records.size(), tokenizer));
  }
  return records;
}

// `limit` of them in a random order, of which the model knows the true object unless all are wanted.
std::vector<Record> ChooseRecords(const CommonOptions& common, const EditOptions& o, const EditSetup& setup) {
  std::vector<Record> records = ReadRecords(o, setup.tokenizer());
  Random(common.seed).Shuffle(records);
  const size_t limit = o.limit > 0 ? static_cast<size_t>(o.limit) : records.size();
  if (!o.all_facts) {
    std::vector<Fact> facts;
    for (const Record& r : records) facts.push_back({"", r.rewrite.pattern, r.rewrite.subject, r.true_object});
    const std::vector<bool> known = KnowsFacts(setup.model(), setup.tokenizer(), facts);
    size_t next = 0;
    std::erase_if(records, [&](const Record&) { return !known[next++]; });
    if (records.empty())
      throw Error(fmt::format("the model knows the true object of none of the {} records", facts.size()),
                  "--all-facts edits them all the same");
  }
  if (records.size() > limit) records.erase(records.begin() + static_cast<int64_t>(limit), records.end());
  return records;
}

std::string KeyOf(const Json& line) { return DumpJson({line.at("case_id"), line.at("prompt"), line.at("subject"), line.at("target_new")}); }

Json EditJson(const RomeEdit& edit, double seconds) {
  const LossStep& last = edit.value.steps.back();
  return {{"layer", edit.edit.layer},
          {"projection", edit.edit.projection},
          {"steps", edit.value.steps.size()},
          {"loss", last.loss},
          {"p", last.p},
          {"stopped", edit.value.stopped},
          {"change_norm", edit.change_norm},
          {"weight_norm", edit.weight_norm},
          {"seconds", seconds}};
}

// The lines of some records, whose searches are done together.
std::vector<Json> EditLines(const EditSetup& setup, const std::vector<const Record*>& records, RomeOptions rome) {
  const Model& model = setup.model();
  std::vector<RewritePrompts> rewrites;
  for (const Record* record : records) rewrites.push_back(PrepareRewrite(setup.tokenizer(), record->rewrite, setup.contexts()));
  std::vector<RomeTask> tasks;
  for (const RewritePrompts& rewrite : rewrites) {
    for (const EditPlace& place : setup.places()) tasks.push_back({&rewrite, place.layer, place.projection});
  }
  const auto start = std::chrono::steady_clock::now();
  const std::vector<RomeEdit> edits = Rome(
      model, tasks, [&](const Place& key) -> const MomentSolver& { return setup.Solver(key); }, rome);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / static_cast<double>(tasks.size());
  std::vector<Json> lines;
  for (size_t i = 0; i < edits.size(); ++i) {
    const Record& record = *records[i / setup.places().size()];
    if (i % setup.places().size() == 0) {
      lines.push_back(record.head);
      lines.back()["pre"] = record.evaluate(model);
    }
    Json json = EditJson(edits[i], seconds);
    json.update(record.evaluate(model.Edited({edits[i].edit})));
    lines.back()["edits"].push_back(std::move(json));
  }
  return lines;
}

// One search of each batch, once more by whole passes.
double CheckSearch(const EditSetup& setup, const Record& record, RomeOptions rome) {
  const RewritePrompts rewrite = PrepareRewrite(setup.tokenizer(), record.rewrite, setup.contexts());
  const EditPlace& place = setup.places().front();
  at::Tensor found[2];
  for (const auto by : {ValueOptions::By::kSweep, ValueOptions::By::kRun}) {
    rome.value.by = by;
    found[by == ValueOptions::By::kRun] = Rome(
                                              setup.model(), {{&rewrite, place.layer, place.projection}},
                                              [&](const Place& key) -> const MomentSolver& { return setup.Solver(key); }, rome)[0]
                                              .value.delta;
  }
  return ((found[0] - found[1]).norm() / found[1].norm()).item<double>();
}

}  // namespace

void EditRecords(const CommonOptions& common, const EditOptions& o) {
  const fs::path out = o.out;
  for (const char* name : {"edit.json", "edit.html"}) PrepareFile(out / name);
  const EditSetup setup(common, o);
  const std::vector<Record> records = ChooseRecords(common, o, setup);
  EditSweep sweep;
  sweep.options = EchoOptions(
      "edit", common,
      {{"counterfact", o.counterfact}, {"zsre", o.zsre}, {"limit", o.limit > 0 ? Json(o.limit) : Json()}, {"all_facts", o.all_facts}});
  sweep.options.update(setup.Echo());
  Json made_by = sweep.options;
  for (const char* no_matter : {"commit", "limit", "all_facts", "counterfact", "zsre", "model", "tokenizer"}) made_by.erase(no_matter);
  ResultLines file(out / "edit.jsonl", made_by);
  std::map<std::string, Json> lines;
  for (const Json& line : file.earlier()) lines[KeyOf(line)] = line;
  std::vector<const Record*> open;
  for (const Record& record : records) {
    if (!lines.contains(KeyOf(record.head))) open.push_back(&record);
  }
  const size_t done = records.size() - open.size(), places = setup.places().size();
  constexpr size_t kEditsAtATime = 64;
  const size_t at_a_time = std::max<size_t>(1, kEditsAtATime / places);
  if (common.explain)
    fmt::print(stderr, "plan: {} records ({} are there already), {} edits each, {} contexts; {} records at a time\n", records.size(), done,
               places, setup.contexts().size(), at_a_time);
  Progress progress("edit: records", "edits", common.quiet, static_cast<double>(done));
  double largest = 0;
  for (size_t begin = 0; begin < open.size(); begin += at_a_time) {
    const std::vector<const Record*> some(open.begin() + static_cast<int64_t>(begin),
                                          open.begin() + static_cast<int64_t>(std::min(begin + at_a_time, open.size())));
    RomeOptions rome = setup.rome();
    rome.value.progress = [&](int64_t search, int64_t of) {
      const double share = static_cast<double>(search) / static_cast<double>(of);
      progress(static_cast<double>(done + begin) + share * static_cast<double>(some.size()), static_cast<int64_t>(records.size()),
               static_cast<int64_t>(begin * places) + search);
    };
    for (Json& line : EditLines(setup, some, rome)) {
      file.Append(line);
      lines[KeyOf(line)] = line;
    }
    if (common.check) largest = std::max(largest, CheckSearch(setup, *some[0], setup.rome()));
  }
  if (common.check && !open.empty())
    fmt::print(stderr, "check: values found again by whole passes; largest relative difference {:.1e}\n", largest);
  for (const Record& record : records) sweep.lines.push_back(lines.at(KeyOf(record.head)));
  const Json json = EditSweepJson(sweep);
  WriteFile(out / "edit.json", DumpJson(json, 1) + "\n");
  WriteFile(out / "edit.html", EditSweepPage(sweep));
  Print(common, json, fmt::format("{}{}\n{}\n", EditSweepText(sweep), (out / "edit.json").string(), (out / "edit.html").string()));
}

}  // namespace mambascope
