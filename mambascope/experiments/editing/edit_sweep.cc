#include "mambascope/experiments/editing/edit_sweep.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <chrono>

#include "mambascope/error.h"

namespace mambascope {
namespace {

RecordEdit MakeRecordEdit(const RomeEdit& edit, double seconds, EditScores scores) {
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
          .scores = std::move(scores)};
}

}  // namespace

EditedRecords EditRecordsAlone(const EditInputs& inputs, const EditEvaluator& evaluate,
                               std::span<const DatasetRecord> records,
                               const std::vector<EditPlace>& places, const RomeOptions& options) {
  std::vector<RewritePrompts> rewrites;
  for (const DatasetRecord& record : records)
    rewrites.push_back(PrepareRecord(inputs, record.record));
  std::vector<RomeTask> tasks;
  for (const RewritePrompts& rewrite : rewrites) {
    for (const EditPlace& place : places)
      tasks.push_back({&rewrite, place.layer, place.projection});
  }
  const auto start = std::chrono::steady_clock::now();
  EditedRecords edited{.results = {}, .edits = Rome(inputs.model, tasks, inputs.solvers, options)};
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  auto edit = edited.edits.begin();
  for (const DatasetRecord& record : records) {
    RecordResult result{.record = record.record, .pre = evaluate(inputs.model, record)};
    for (size_t p = 0; p < places.size(); ++p, ++edit) {
      EditScores scores = evaluate(inputs.model.Edited({edit->edit}), record);
      result.edits.push_back(MakeRecordEdit(
          *edit, seconds.count() / static_cast<double>(tasks.size()), std::move(scores)));
    }
    edited.results.push_back(std::move(result));
  }
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
