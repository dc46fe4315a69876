#include "mambascope/experiments/editing/mass_edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "mambascope/error.h"
#include "mambascope/experiments/editing/target_scores.h"

namespace mambascope {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool IsMemit(const EditMethod& method) { return std::holds_alternative<MemitOptions>(method); }

void Tell(const MassEditOptions& options, MassEditStage stage, double done, int64_t total) {
  if (options.progress) options.progress(stage, done, total);
}

// Makes the edits that rewrite facts [begin, end) in one model.
using EditMaker = std::function<std::vector<Edit>(size_t begin, size_t end)>;

// MEMIT searches the values once. They serve all numbers of facts per model.
EditMaker MemitMaker(const EditInputs& inputs, const std::vector<RewritePrompts>& rewrites,
                     const MassEditOptions& options) {
  const MemitOptions& memit = std::get<MemitOptions>(options.method);
  const std::set<int> layers = EditedLayers(options.places);
  ValueOptions value = memit.value;
  value.progress = [&](double done, int64_t total) {
    Tell(options, MassEditStage::kEdits, done, total);
  };
  const std::vector<FoundValue> values =
      SearchResiduals(inputs.model, rewrites, *layers.rbegin(), value);
  return [=, &inputs, &rewrites, projection = options.places[0].projection, lambda = memit.lambda](
             size_t begin, size_t end) {
    const auto part = [&](const auto& all) {
      return std::vector(all.begin() + static_cast<int64_t>(begin),
                         all.begin() + static_cast<int64_t>(end));
    };
    return Memit(inputs.model, part(rewrites), part(values), layers, projection, inputs.solvers,
                 lambda)
        .Edits();
  };
}

// ROME makes each edit in the model with the earlier edits. REQUIRES: begin is 0, and end does not
// decrease from call to call
EditMaker RomeMaker(const EditInputs& inputs, const std::vector<RewritePrompts>& rewrites,
                    const MassEditOptions& options) {
  return [&inputs, &rewrites, &options, edits = std::vector<Edit>(), model = inputs.model](
             size_t /*begin*/, size_t end) mutable {
    const auto& [layer, projection] = options.places[0];
    while (edits.size() < end) {
      const RomeTask task{&rewrites[edits.size()], layer, projection};
      edits.push_back(
          Rome(model, {task}, inputs.solvers, std::get<RomeOptions>(options.method))[0].edit);
      model = model.Edited({edits.back()});
      Tell(options, MassEditStage::kEdits, static_cast<double>(edits.size()),
           static_cast<int64_t>(rewrites.size()));
    }
    return edits;
  };
}

// Returns how many records are edited when models hold `count` facts each. MEMIT fills as many
// models as it has records for; ROME fills one.
size_t EditedCount(const EditMethod& method, int64_t count, size_t records) {
  const auto n = static_cast<size_t>(count);
  return IsMemit(method) ? records / n * n : n;
}

// Scores of records after edits with `count` facts per model.
struct AfterEdits {
  std::vector<EditScores> post;
  std::vector<Edit> edits;  // of the first model
  double seconds = 0;       // time of making the edits
};

AfterEdits EditInChunks(const EditInputs& inputs, const EditEvaluator& evaluate,
                        const std::vector<DatasetRecord>& records, size_t count,
                        size_t edited_records, const EditMaker& make,
                        const MassEditOptions& options) {
  AfterEdits after;
  for (size_t begin = 0; begin < edited_records; begin += count) {
    const Clock::time_point start = Clock::now();
    std::vector<Edit> edits = make(begin, begin + count);
    after.seconds += SecondsSince(start);
    const Model edited = inputs.model.Edited(edits);
    for (size_t i = begin; i < begin + count; ++i) {
      after.post.push_back(evaluate(edited, records[i]));
      Tell(options, MassEditStage::kEditedModel, static_cast<double>(i + 1),
           static_cast<int64_t>(edited_records));
    }
    if (begin == 0) after.edits = std::move(edits);
  }
  return after;
}

// Returns the unedited model's scores of every record that is edited for some count.
std::vector<EditScores> EvaluateUnedited(const EditInputs& inputs, const EditEvaluator& evaluate,
                                         const std::vector<DatasetRecord>& records,
                                         const MassEditOptions& options) {
  size_t edited = 0;
  for (const int64_t count : options.counts)
    edited = std::max(edited, EditedCount(options.method, count, records.size()));
  std::vector<EditScores> pre;
  for (size_t i = 0; i < edited; ++i) {
    pre.push_back(evaluate(inputs.model, records[i]));
    Tell(options, MassEditStage::kUneditedModel, static_cast<double>(i + 1),
         static_cast<int64_t>(edited));
  }
  return pre;
}

}  // namespace

std::set<int64_t> EditCounts(const std::vector<int64_t>& asked, int64_t records) {
  if (asked.empty()) return {records};
  const std::set<int64_t> counts(asked.begin(), asked.end());
  if (*counts.rbegin() > records)
    throw Error(fmt::format("--edits {} exceeds the number of records to edit, {}",
                            *counts.rbegin(), records),
                "raise --limit, or add --all-facts");
  return counts;
}

std::vector<RewritePrompts> PrepareRecords(const EditInputs& inputs,
                                           const std::vector<DatasetRecord>& records,
                                           const EditMethod& method,
                                           const std::set<int64_t>& counts) {
  std::vector<RewritePrompts> rewrites;
  const size_t searched = IsMemit(method) ? records.size() : static_cast<size_t>(*counts.rbegin());
  for (size_t i = 0; i < searched; ++i)
    rewrites.push_back(PrepareRecord(inputs, records[i].record));
  return rewrites;
}

MassEdits EditTogether(const EditInputs& inputs, const EditEvaluator& evaluate,
                       const std::vector<DatasetRecord>& records,
                       const std::vector<RewritePrompts>& rewrites,
                       const MassEditOptions& options) {
  const bool together = IsMemit(options.method);
  const Clock::time_point start = Clock::now();
  const EditMaker make =
      together ? MemitMaker(inputs, rewrites, options) : RomeMaker(inputs, rewrites, options);
  // ROME's searches happen later, when it makes the edits.
  const double searching = SecondsSince(start) / static_cast<double>(rewrites.size());
  const std::vector<EditScores> pre = EvaluateUnedited(inputs, evaluate, records, options);
  const std::vector<double> perplexities =
      options.texts.empty() ? std::vector<double>() : Perplexities(inputs.model, options.texts);
  MassEdits result;
  AfterEdits last;
  double seconds = 0;
  for (const int64_t count : options.counts) {
    const size_t edited = EditedCount(options.method, count, records.size());
    last =
        EditInChunks(inputs, evaluate, records, static_cast<size_t>(count), edited, make, options);
    seconds = together ? last.seconds : seconds + last.seconds;
    result.points.push_back(
        {.edits = count,
         .means = AverageScores(last.post),
         .pre = AverageScores({pre.begin(), pre.begin() + static_cast<int64_t>(edited)}),
         .seconds_per_edit = (together ? searching : 0) + seconds / static_cast<double>(edited),
         .health = CheckEdits(inputs.model, last.edits, options.texts, {.before = perplexities})});
  }
  for (size_t i = 0; i < last.post.size(); ++i)
    result.records.push_back({records[i].record, pre[i], last.post[i]});
  result.edits = std::move(last.edits);
  return result;
}

}  // namespace mambascope
