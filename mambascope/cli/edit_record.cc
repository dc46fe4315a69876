#include "mambascope/cli/edit_record.h"

#include <algorithm>
#include <memory>

#include "mambascope/cli/progress.h"
#include "mambascope/data/attribute_snippets.h"
#include "mambascope/data/counterfact.h"
#include "mambascope/data/relation.h"
#include "mambascope/data/zsre.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// What --snippets names; null without it.
std::shared_ptr<const References> ReadReferences(const EditArguments& o) {
  if (o.snippets.empty()) return nullptr;
  const bool relations = fs::is_directory(o.snippets) || ReadJson(o.snippets).is_object();
  return std::make_shared<References>(relations ? CollectSnippets(ReadRelations({o.snippets}))
                                                : ReadAttributeSnippets(o.snippets));
}

std::vector<DatasetRecord> ReadRecordFiles(const EditArguments& o, ReadFaults& faults) {
  std::vector<DatasetRecord> records;
  for (const std::string& file : o.counterfact) {
    for (const CounterFactRecord& record : ReadCounterFact(file, {.truth = !o.all_facts}, &faults))
      records.push_back(MakeDatasetRecord(record));
  }
  for (const std::string& file : o.zsre) {
    for (const ZsreRecord& record : ReadZsre(file, &faults))
      records.push_back(MakeDatasetRecord(record, static_cast<int64_t>(records.size())));
  }
  return records;
}

}  // namespace

AskedRecords ReadRecords(const CommonArguments& common, const EditArguments& o) {
  ReadFaults faults;
  std::vector<DatasetRecord> records = ReadRecordFiles(o, faults);
  WarnOfFaults(common, faults);
  return {std::move(records), static_cast<int64_t>(faults.left_out.size())};
}

ChosenRecords ChooseRecords(const CommonArguments& common, const EditArguments& o,
                            const EditSetup& setup, AskedRecords asked) {
  using Keep = RecordChoiceOptions::Keep;
  const auto all = static_cast<int64_t>(asked.records.size());
  const int64_t wanted = std::min(o.limit.value_or(all), all);
  Progress progress({.what = "choosing records", .unit = "records", .total = wanted},
                    common.progress());
  ChosenRecords chosen =
      ChooseRecords(setup.model(), setup.tokenizer(), std::move(asked.records),
                    {.limit = o.limit.value_or(0),
                     .keep = o.all_facts ? Keep::kAll : Keep::kKnown,
                     .seed = common.Seed(),
                     .progress = [&](int64_t chosen, int64_t tested) {
                       progress(static_cast<double>(o.limit ? chosen : tested), wanted, tested);
                     }});
  chosen.choice.left_out = asked.left_out;
  return chosen;
}

EditEvaluator MakeEvaluator(const CommonArguments& common, const EditArguments& o,
                            const EditSetup& setup) {
  if (!o.generate) return EditEvaluator(setup.tokenizer());
  return EditEvaluator(setup.tokenizer(), TextMeasuresOptions{.seed = common.Seed()},
                       ReadReferences(o));
}

}  // namespace mambascope
