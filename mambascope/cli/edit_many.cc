#include "mambascope/cli/edit_many.h"

#include <fmt/format.h>

#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/edit_record.h"
#include "mambascope/cli/progress.h"
#include "mambascope/experiments/editing/edit_file.h"
#include "mambascope/experiments/editing/edit_json.h"
#include "mambascope/reports/mass_edit_report.h"

namespace mambascope {
namespace {

void WriteMassEdit(const CommonArguments& common, const OutputFolder& out,
                   const MassEditResult& result, const std::vector<Edit>& edits) {
  WriteEdits(out / "edit.safetensors", {edits, Fingerprint(ModelFolder(common.model)),
                                        fmt::format("{} records", result.points.back().edits)});
  WriteResults("edit", common, out, result, MassEditPage(result),
               fmt::format("{}{}\n", MassEditText(result), (out / "edit.safetensors").string()));
}

}  // namespace

void EditMany(const CommonArguments& common, const EditArguments& o, const OutputFolder& out,
              RunDescription run) {
  const std::vector<std::string> records = {"counterfact", "zsre", "limit", "all_facts"};
  EditSetup setup(common, o, out);
  setup.CheckPlaces();
  setup.Describe(run);
  RefuseOtherEdit(out, run, o.output.others(), records);
  const EditEvaluator evaluate = MakeEvaluator(common, o, setup);
  const ChosenRecords chosen = ChooseRecords(common, o, setup, ReadRecords(common, o));
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
  options.texts = setup.Texts();
  std::optional<Progress> progress;
  progress.emplace("edit: searches", "edits", common.quiet);
  options.progress = [&](int64_t done, int64_t of) {
    (*progress)(static_cast<double>(done), of, done);
  };
  MassEdits edits = EditTogether(inputs, evaluate, chosen.records, rewrites, options);
  progress.reset();
  setup.WriteContexts();
  WriteMassEdit(common, out,
                {.options = run.options,
                 .choice = chosen.choice,
                 .points = std::move(edits.points),
                 .records = std::move(edits.records)},
                edits.edits);
}

}  // namespace mambascope
