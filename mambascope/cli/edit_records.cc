#include "mambascope/cli/edit_records.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/edit_record.h"
#include "mambascope/cli/interrupt.h"
#include "mambascope/cli/progress.h"
#include "mambascope/experiments/editing/edit_json.h"
#include "mambascope/experiments/editing/edit_sweep.h"
#include "mambascope/jobs/job.h"
#include "mambascope/plural.h"
#include "mambascope/reports/edit_report.h"
#include "mambascope/reports/result_tables.h"

namespace mambascope {
namespace {

// What tells a record's result from others.
std::string RecordKey(const DatasetRecord& record) {
  const EditRecord& r = record.record;
  return FingerprintText(DumpJson(
      {r.case_id, r.relation, r.prompt, r.subject, r.target_new, r.target_true, r.digest}));
}

size_t RecordsAtATime(const EditSetup& setup) {
  constexpr size_t kEditsAtATime = 64;
  return std::max<size_t>(1, kEditsAtATime / setup.places().size());
}

// Edits the records that the store has not, some at a time.
std::vector<RecordResult> RunRecords(const CommonArguments& common, const EditSetup& setup,
                                     const EditEvaluator& evaluate,
                                     const std::vector<DatasetRecord>& records,
                                     ResultStore& store) {
  double largest = 0;  // difference of a value that was searched again
  int64_t checked = 0;
  Job<DatasetRecord, RecordResult> job{.key = RecordKey,
                                       .run = {},
                                       .at_a_time = RecordsAtATime(setup),
                                       .store = &store,
                                       .progress = ShowProgress(common, "edit: records", "edits")};
  job.run = [&](const std::vector<DatasetRecord>& some, const BatchReport<RecordResult>& report) {
    const RomeOptions rome = setup.rome();
    const auto stage = [&](bool searching) {
      report.stage(searching ? "searching values" : "evaluating");
    };
    EditedRecords edited = EditRecordsAlone(setup.inputs(), evaluate, some, setup.places(), rome,
                                            {stage, report.progress, report.finished});
    if (common.check) {
      largest =
          std::max(largest, CheckValue(setup.inputs(), some[0].record, edited.edits[0], rome));
      ++checked;
    }
    return std::move(edited.results);
  };
  if (common.explain)
    PrintLine(fmt::format("plan: {} ({} already computed), {} each, {}; {} at a time\n",
                          Count(records.size(), "record"), CountDone(job, records),
                          Count(setup.places().size(), "edit"),
                          Count(setup.contexts().size(), "context"),
                          Count(job.at_a_time, "record")));
  std::vector<RecordResult> results = RunJob(job, records);
  if (checked > 0)
    PrintLine(fmt::format(
        "check: {} searched again by full forward passes; largest relative difference {:.1e}\n",
        Count(checked, "value"), largest));
  return results;
}

}  // namespace

void EditRecords(const CommonArguments& common, const EditArguments& o, const OutputFolder& out,
                 RunDescription run) {
  AskedRecords asked = ReadRecords(common, o);
  EditSetup setup(common, o, out);
  setup.Describe(run);
  RefuseOtherEdit(out, run, o.output.others());
  const EditEvaluator evaluate = MakeEvaluator(common, o, setup);
  if (!o.moments.empty() && !o.texts.empty())
    Warn(common, "--text is not used, because --moments gives the second moments");
  setup.TakeMoments();
  setup.Describe(run);
  RefuseOtherEdit(out, run, o.output.others());
  if (!o.zsre.empty())
    run.identity["measures"] =
        "zsre-acc";  // lines of older versions have the token accuracies under other keys
  ResultStore store(out / "edit.jsonl", run.identity, o.output.others(), ListenerOf(common));
  ChosenRecords chosen = ChooseRecords(common, o, setup, std::move(asked));
  if (common.shard) {
    run.MentionsList(chosen.records, RecordKey);
    chosen.records = common.shard->Take(chosen.records, "records");
  }
  setup.WriteContexts();
  EditSweepResult result{.options = run.options, .choice = chosen.choice};
  result.records = RunRecords(common, setup, evaluate, chosen.records, store);
  result.summary = SummarizeSweep(result.records);
  WriteResults(
      "edit", common, o.output, out,
      {result, EditSweepPage(result), EditRecordsText(result), [&] { return MakeTable(result); }});
}

}  // namespace mambascope
