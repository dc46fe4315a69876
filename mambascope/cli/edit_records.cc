#include "mambascope/cli/edit_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/edit_record.h"
#include "mambascope/cli/progress.h"
#include "mambascope/experiments/editing/edit_json.h"
#include "mambascope/experiments/editing/edit_sweep.h"
#include "mambascope/jobs/result_lines.h"
#include "mambascope/reports/edit_report.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// What tells a record's line from others.
std::string LineKey(const EditRecord& r) { return DumpJson({r.case_id, r.prompt, r.subject, r.target_new, r.digest}); }

// All that a line depends on.
Json LineIdentity(Json options, const EditOptions& o) {
  for (const char* no_matter : {"commit", "limit", "all_facts", "counterfact", "zsre", "model", "tokenizer"}) options.erase(no_matter);
  // Lines of older versions have the token accuracies under other keys.
  if (!o.zsre.empty()) options["measures"] = "zsre-acc";
  return options;
}

// edit.jsonl, whose lines need not be made again.
class EditLines {
 public:
  EditLines(const fs::path& file, const Json& identity) : file_(file, identity) {
    for (const Json& line : file_.earlier()) Keep(line.get<RecordResult>());
  }
  bool Has(const EditRecord& record) const { return results_.contains(LineKey(record)); }
  const RecordResult& Get(const EditRecord& record) const { return results_.at(LineKey(record)); }
  void Add(const RecordResult& result) {
    file_.Append(result);
    Keep(result);
  }

 private:
  void Keep(const RecordResult& result) { results_.insert_or_assign(LineKey(result.record), result); }

  ResultLines file_;
  std::map<std::string, RecordResult> results_;
};

size_t RecordsAtATime(const EditSetup& setup) {
  constexpr size_t kEditsAtATime = 64;
  return std::max<size_t>(1, kEditsAtATime / setup.places().size());
}

// Edits the records that have no line yet, some at a time.
void EditOpen(const CommonOptions& common, const EditSetup& setup, const EditEvaluator& evaluate, const std::vector<DatasetRecord>& open,
              size_t done, EditLines& lines) {
  const size_t at_a_time = RecordsAtATime(setup), places = setup.places().size();
  Progress progress("edit: records", "edits", common.quiet, static_cast<double>(done));
  double largest = 0;
  for (size_t begin = 0; begin < open.size(); begin += at_a_time) {
    const auto some = std::span(open).subspan(begin, std::min(at_a_time, open.size() - begin));
    RomeOptions rome = setup.rome();
    rome.value.progress = [&](int64_t search, int64_t of) {
      const double share = static_cast<double>(search) / static_cast<double>(of);
      progress(static_cast<double>(done + begin) + share * static_cast<double>(some.size()), static_cast<int64_t>(done + open.size()),
               static_cast<int64_t>(begin * places) + search);
    };
    const EditedRecords edited = EditRecordsAlone(setup.inputs(), evaluate, some, setup.places(), rome);
    for (const RecordResult& result : edited.results) lines.Add(result);
    if (common.check) largest = std::max(largest, CheckValue(setup.inputs(), some[0].record, edited.edits[0], rome));
  }
  if (common.check && !open.empty())
    fmt::print(stderr, "check: {} values found again by whole passes; largest relative difference {:.1e}\n",
               (open.size() + at_a_time - 1) / at_a_time, largest);
}

void WriteSweep(const CommonOptions& common, const fs::path& out, const EditSweepResult& result) {
  const Json json = result;
  WriteFile(out / "edit.json", DumpJson(json, 1) + "\n");
  WriteFile(out / "edit.html", EditSweepPage(result));
  const RecordChoice& choice = result.choice;
  Print(common, json,
        fmt::format("{} records, of {} tested for whether the model knows them, of {}\n{}{}\n{}\n", choice.chosen, choice.tested, choice.of,
                    EditSweepText(result), (out / "edit.json").string(), (out / "edit.html").string()));
}

}  // namespace

void EditRecords(const CommonOptions& common, const EditOptions& o) {
  const fs::path out = o.out;
  for (const char* name : {"edit.json", "edit.html"}) PrepareFile(out / name);
  EditSetup setup(common, o);
  const EditEvaluator evaluate = MakeEvaluator(common, o, setup);
  const ChosenRecords chosen = ChooseRecords(common, o, setup);
  setup.TakeMoments();
  EditSweepResult result{.options = EchoRecords(common, o, setup), .choice = chosen.choice};
  EditLines lines(out / "edit.jsonl", LineIdentity(result.options, o));
  setup.WriteContexts();
  std::vector<DatasetRecord> open;
  for (const DatasetRecord& record : chosen.records) {
    if (!lines.Has(record.record)) open.push_back(record);
  }
  const size_t done = chosen.records.size() - open.size();
  if (common.explain)
    fmt::print(stderr, "plan: {} records ({} are there already), {} edits each, {} contexts; {} records at a time\n",
               chosen.records.size(), done, setup.places().size(), setup.contexts().size(), RecordsAtATime(setup));
  EditOpen(common, setup, evaluate, open, done, lines);
  for (const DatasetRecord& record : chosen.records) result.records.push_back(lines.Get(record.record));
  result.summary = SummarizeSweep(result.records);
  WriteSweep(common, out, result);
}

}  // namespace mambascope
