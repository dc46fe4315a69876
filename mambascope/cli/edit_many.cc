#include "mambascope/cli/edit_many.h"

#include <fmt/format.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/edit_record.h"
#include "mambascope/cli/progress.h"
#include "mambascope/experiments/editing/edit_file.h"
#include "mambascope/experiments/editing/edit_json.h"
#include "mambascope/plural.h"
#include "mambascope/reports/mass_edit_report.h"
#include "mambascope/reports/result_tables.h"

namespace mambascope {
namespace {

std::string StageText(MassEditStage stage) {
  switch (stage) {
    case MassEditStage::kEdits: return "edit: values searched";
    case MassEditStage::kUneditedModel: return "edit: records in the unedited model";
    case MassEditStage::kEditedModel: return "edit: records in edited models";
  }
  return "";
}

}  // namespace

void EditMany(const CommonArguments& common, const EditArguments& o, const OutputFolder& out,
              RunDescription run) {
  const std::vector<std::string> records = {"counterfact", "zsre", "limit", "all_facts"};
  AskedRecords asked = ReadRecords(common, o);
  EditSetup setup(common, o, out);
  setup.Describe(run);
  RefuseOtherEdit(out, run, o.output.others(), records);
  const EditEvaluator evaluate = MakeEvaluator(common, o, setup);
  const ChosenRecords chosen = ChooseRecords(common, o, setup, std::move(asked));
  MassEditOptions options{
      .method = setup.method(),
      .places = setup.places(),
      .counts = EditCounts(o.edits, static_cast<int64_t>(chosen.records.size())),
      .texts = {}};
  const EditInputs inputs = setup.inputs();
  const std::vector<RewritePrompts> rewrites =
      PrepareRecords(inputs, chosen.records, options.method, options.counts);
  setup.TakeMoments();
  setup.Describe(run);
  RefuseOtherEdit(out, run, o.output.others(), records);
  options.texts = setup.Texts().documents;
  const Progress whole({.what = "edit: measuring"}, common.progress());
  std::optional<Progress> line;
  std::optional<MassEditStage> shown;
  options.progress = [&](MassEditStage stage, double done, int64_t of) {
    if (shown != stage) {
      line.reset();
      line.emplace(ProgressState{.what = StageText(stage), .total = of}, common.progress());
    }
    shown = stage;
    (*line)(done, of);
    if (done < static_cast<double>(of)) return;
    line.reset();  // what follows is not counted
    shown.reset();
  };
  MassEdits edits = EditTogether(inputs, evaluate, chosen.records, rewrites, options);
  setup.WriteContexts();
  const MassEditResult result{.options = run.options,
                              .choice = chosen.choice,
                              .points = std::move(edits.points),
                              .records = std::move(edits.records)};
  WriteEditResults(
      common, o.output, out,
      {edits.edits, setup.fingerprint(), Count(result.points.back().edits, "record")},
      {result, MassEditPage(result), MassEditText(result), [&] { return MakeTable(result); }});
}

}  // namespace mambascope
