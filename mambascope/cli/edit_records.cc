#include "mambascope/cli/edit_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/edit_record.h"
#include "mambascope/cli/progress.h"
#include "mambascope/error.h"
#include "mambascope/reports/edit_report.h"
#include "mambascope/jobs/result_lines.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

std::string KeyOf(const Json& line) {
  return DumpJson({line.at("case_id"), line.at("prompt"), line.at("subject"), line.at("target_new"), line.at("digest")});
}

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

// Some records' edits, whose searches are done together, and their lines.
struct Done {
  std::vector<Json> lines;
  std::vector<RomeEdit> edits;  // [record][place]
};

Done EditSome(const EditSetup& setup, const std::vector<const EditRecord*>& records, const RomeOptions& rome) {
  const Model& model = setup.model();
  const size_t places = setup.places().size();
  std::vector<RewritePrompts> rewrites;
  for (const EditRecord* record : records) rewrites.push_back(PromptsOf(*record, setup));
  std::vector<RomeTask> tasks;
  for (const RewritePrompts& rewrite : rewrites) {
    for (const EditPlace& place : setup.places()) tasks.push_back({&rewrite, place.layer, place.projection});
  }
  const auto start = std::chrono::steady_clock::now();
  Done done{.lines = {}, .edits = Rome(model, tasks, setup.solvers(), rome)};
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / static_cast<double>(tasks.size());
  for (size_t i = 0; i < records.size(); ++i) {
    Json line = records[i]->head;
    line["pre"] = records[i]->evaluate(model);
    for (size_t p = 0; p < places; ++p) {
      const RomeEdit& edit = done.edits[i * places + p];
      Json json = EditJson(edit, seconds);
      json.update(records[i]->evaluate(model.Edited({edit.edit})));
      line["edits"].push_back(std::move(json));
    }
    done.lines.push_back(std::move(line));
  }
  return done;
}

// How far a value that was found is from the one that whole passes find, as a part of it. Throws Error where rounding does not explain it.
double CheckSearch(const EditSetup& setup, const EditRecord& record, const RomeEdit& found, RomeOptions rome) {
  const RewritePrompts rewrite = PromptsOf(record, setup);
  rome.value.by = ValueOptions::By::kRun;
  rome.value.progress = {};
  const at::Tensor again = Rome(setup.model(), {{&rewrite, found.edit.layer, found.edit.projection}}, setup.solvers(), rome)[0].value.delta;
  const double difference = ((found.value.delta - again).norm() / again.norm().clamp_min(1e-30)).item<double>();
  if (!(difference < 1e-2))
    throw Error(fmt::format("the value of case_id {} and that of whole passes differ by {:.1e} of it, more than rounding explains",
                            record.head["case_id"].dump(), difference),
                "this is a fault of mambascope: please report the command");
  return difference;
}

}  // namespace

void EditRecords(const CommonOptions& common, const EditOptions& o) {
  const fs::path out = o.out;
  for (const char* name : {"edit.json", "edit.html"}) PrepareFile(out / name);
  EditSetup setup(common, o);
  const ChosenRecords chosen = ChooseRecords(common, o, setup);
  const std::vector<EditRecord>& records = chosen.records;
  setup.TakeMoments();
  EditSweep sweep;
  sweep.options = EchoOptions(
      "edit", common,
      {{"counterfact", o.counterfact}, {"zsre", o.zsre}, {"limit", o.limit > 0 ? Json(o.limit) : Json()}, {"all_facts", o.all_facts}});
  sweep.options.update(setup.Echo());
  Json made_by = sweep.options;
  for (const char* no_matter : {"commit", "limit", "all_facts", "counterfact", "zsre", "model", "tokenizer"}) made_by.erase(no_matter);
  ResultLines file(out / "edit.jsonl", made_by);
  setup.WriteContexts();
  std::map<std::string, Json> lines;
  for (const Json& line : file.earlier()) lines[KeyOf(line)] = line;
  std::vector<const EditRecord*> open;
  for (const EditRecord& record : records) {
    if (!lines.contains(KeyOf(record.head))) open.push_back(&record);
  }
  const size_t done = records.size() - open.size(), places = setup.places().size();
  constexpr size_t kEditsAtATime = 64;
  const size_t at_a_time = std::max<size_t>(1, kEditsAtATime / places);
  if (common.explain)
    fmt::print(stderr, "plan: {} records ({} are there already), {} edits each, {} contexts; {} records at a time\n", records.size(), done,
               places, setup.contexts().size(), at_a_time);
  std::optional<Progress> progress;
  progress.emplace("edit: records", "edits", common.quiet, static_cast<double>(done));
  double largest = 0;
  for (size_t begin = 0; begin < open.size(); begin += at_a_time) {
    const std::vector<const EditRecord*> some(open.begin() + static_cast<int64_t>(begin),
                                              open.begin() + static_cast<int64_t>(std::min(begin + at_a_time, open.size())));
    RomeOptions rome = setup.rome();
    rome.value.progress = [&](int64_t search, int64_t of) {
      const double share = static_cast<double>(search) / static_cast<double>(of);
      (*progress)(static_cast<double>(done + begin) + share * static_cast<double>(some.size()), static_cast<int64_t>(records.size()),
                  static_cast<int64_t>(begin * places) + search);
    };
    const Done finished = EditSome(setup, some, rome);
    for (const Json& line : finished.lines) {
      file.Append(line);
      lines[KeyOf(line)] = line;
    }
    if (common.check) largest = std::max(largest, CheckSearch(setup, *some[0], finished.edits[0], rome));
  }
  if (common.check && !open.empty())
    fmt::print(stderr, "check: {} values found again by whole passes; largest relative difference {:.1e}\n",
               (open.size() + at_a_time - 1) / at_a_time, largest);
  for (const EditRecord& record : records) sweep.lines.push_back(lines.at(KeyOf(record.head)));
  progress.reset();
  Json json = EditSweepJson(sweep);
  json["choice"] = chosen.json();
  WriteFile(out / "edit.json", DumpJson(json, 1) + "\n");
  WriteFile(out / "edit.html", EditSweepPage(sweep));
  Print(common, json,
        fmt::format(
            "{}{}\n{}\n",
            fmt::format("{} records, of {} tested for whether the model knows them, of {}\n", records.size(), chosen.tested, chosen.of) +
                EditSweepText(sweep),
            (out / "edit.json").string(), (out / "edit.html").string()));
}

}  // namespace mambascope
