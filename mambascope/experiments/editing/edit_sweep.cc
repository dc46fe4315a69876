#include "mambascope/experiments/editing/edit_sweep.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <chrono>

#include "mambascope/error.h"

namespace mambascope {
namespace {

RecordEdit MakeRecordEdit(const RomeEdit& edit, double seconds, const EditScores& scores) {
  const LossStep& last = edit.value.steps.back();
  return {.layer = edit.edit.layer,
          .projection = edit.edit.projection,
          .steps = static_cast<int64_t>(edit.value.steps.size()),
          .loss = last.loss,
          .p = last.p,
          .stopped = edit.value.stopped,
          .change_norm = edit.change_norm,
          .weight_norm = edit.weight_norm,
          .seconds = seconds,
          .scores = scores};
}

}  // namespace

EditedRecords EditRecordsAlone(const EditInputs& inputs, const EditEvaluator& evaluate,
                               std::span<const DatasetRecord> records,
                               const std::vector<EditPlace>& places, RomeOptions options,
                               const EditSweepReport& report) {
  using Clock = std::chrono::steady_clock;
  std::vector<RewritePrompts> rewrites;
  for (const DatasetRecord& record : records)
    rewrites.push_back(PrepareRecord(inputs, record.record));
  std::vector<RomeTask> tasks;
  for (const RewritePrompts& rewrite : rewrites) {
    for (const EditPlace& place : places)
      tasks.push_back({&rewrite, place.layer, place.projection});
  }
  EditedRecords edited;
  std::vector<double> seconds;  // of each edit
  double searched = 0;          // values that are found
  const auto tell = [&](double evaluated) {
    const double share = (searched + evaluated * static_cast<double>(places.size())) / 2 /
                         static_cast<double>(tasks.size());
    if (report.progress) report.progress(share, static_cast<int64_t>(searched));
  };
  const auto stage = [&](bool searching) {
    if (report.stage) report.stage(searching);
  };
  options.value.progress = [&](double done, int64_t /*of*/) {
    searched = done;
    tell(static_cast<double>(edited.results.size()));
  };
  Clock::time_point start = Clock::now();
  stage(/*searching=*/true);
  // Evaluates the records whose edits are all made.
  const auto evaluate_made = [&](size_t /*begin*/, std::span<const RomeEdit> made) {
    const std::chrono::duration<double> passed = Clock::now() - start;
    seconds.resize(seconds.size() + made.size(), passed.count() / static_cast<double>(made.size()));
    edited.edits.insert(edited.edits.end(), made.begin(), made.end());
    stage(/*searching=*/false);
    while ((edited.results.size() + 1) * places.size() <= edited.edits.size() &&
           edited.results.size() < records.size()) {
      const size_t r = edited.results.size();
      RecordResult result{.record = records[r].record, .pre = evaluate(inputs.model, records[r])};
      for (size_t i = r * places.size(); i < (r + 1) * places.size(); ++i) {
        EditScores scores = evaluate(inputs.model.Edited({edited.edits[i].edit}), records[r]);
        result.edits.push_back(MakeRecordEdit(edited.edits[i], seconds[i], scores));
        tell(static_cast<double>(i + 1) / static_cast<double>(places.size()));
      }
      edited.results.push_back(std::move(result));
      if (report.finished) report.finished(r, edited.results.back());
    }
    stage(/*searching=*/true);
    start = Clock::now();
  };
  Rome(inputs.model, tasks, inputs.solvers, options, evaluate_made);
  return edited;
}

double CheckValue(const EditInputs& inputs, const EditRecord& record, const RomeEdit& found,
                  RomeOptions options) {
  const RewritePrompts rewrite = PrepareRecord(inputs, record);
  options.value.by = ValueOptions::By::kRun;
  options.value.progress = {};
  const RomeTask task{&rewrite, found.edit.layer, found.edit.projection};
  const at::Tensor again =
      Rome(inputs.model, {task}, inputs.solvers, options)[0].value.delta;  // [width]
  const double difference =
      ((found.value.delta - again).norm() / again.norm().clamp_min(1e-30)).item<double>();
  if (!(difference < 1e-2))
    throw Error(fmt::format("the value found for case_id {} differs from that of whole passes by a "
                            "relative {:.1e}, more than rounding explains",
                            record.case_id, difference),
                "this is a bug in mambascope; please report the command");
  return difference;
}

}  // namespace mambascope
