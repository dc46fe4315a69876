#include "mambascope/experiments/editing/record_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/data/random.h"
#include "mambascope/error.h"
#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/model/kernels/batch_sizes.h"

namespace mambascope {
namespace {

// Whether the model knows the true object of each record in [begin, end).
std::vector<bool> KnowsRecords(const Model& model, const Tokenizer& tokenizer,
                               const std::vector<DatasetRecord>& records, size_t begin,
                               size_t end) {
  std::vector<Fact> facts;
  for (size_t i = begin; i < end; ++i) {
    const EditRecord& r = records[i].record;
    facts.push_back({"", r.prompt, r.subject, r.target_true});
  }
  return KnowsFacts(model, tokenizer, facts);
}

}  // namespace

ChosenRecords ChooseRecords(const Model& model, const Tokenizer& tokenizer,
                            std::vector<DatasetRecord> records,
                            const RecordChoiceOptions& options) {
  ChosenRecords chosen{.records = {}, .choice = {.of = static_cast<int64_t>(records.size())}};
  Random(options.seed).Shuffle(records);
  const size_t limit = options.limit > 0 ? static_cast<size_t>(options.limit) : records.size();
  for (size_t begin = 0; begin < records.size() && chosen.records.size() < limit;
       begin += kPromptsTogether) {
    const size_t end = std::min(begin + kPromptsTogether, records.size());
    const std::vector<bool> keep = options.keep == RecordChoiceOptions::Keep::kAll
                                       ? std::vector<bool>(end - begin, true)
                                       : KnowsRecords(model, tokenizer, records, begin, end);
    for (size_t i = begin; i < end && chosen.records.size() < limit; ++i, ++chosen.choice.tested) {
      if (keep[i - begin]) chosen.records.push_back(std::move(records[i]));
    }
    if (options.progress)
      options.progress(static_cast<int64_t>(chosen.records.size()), chosen.choice.tested);
  }
  if (chosen.records.empty())
    throw Error(
        fmt::format("the model knows the true object of no record ({} tested)", records.size()),
        "--all-facts also edits records that the model does not know");
  chosen.choice.chosen = static_cast<int64_t>(chosen.records.size());
  return chosen;
}

}  // namespace mambascope
