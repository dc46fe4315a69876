#include "mambascope/experiments/editing/edit_summary.h"

#include <algorithm>
#include <array>
#include <set>

#include "mambascope/experiments/statistics.h"

namespace mambascope {
namespace {

using Interval = std::optional<std::pair<double, double>>;

MeasureMean MeanOfShares(const std::vector<double>& shares, MeasureName::Kind kind) {
  const std::optional<Percentage> percentage = MeanPercentage(shares);
  if (!percentage) return {};
  return {percentage->mean, kind == MeasureName::Kind::kShare ? CutAt100(percentage->interval)
                                                              : percentage->interval};
}

// S = 3 / (1/a + 1/b + 1/c) is linearized near the means, with dS/da = S^2 / (3 a^2). The interval
// is that of the mean over records of S + sum of dS/dx (x - mean of x). There is none when a mean
// is 0 or a record lacks one of the three shares.
Interval ScoreInterval(const std::vector<EditScores>& records, double score,
                       const std::array<MeasureMean, 3>& parts) {
  std::vector<double> linear(records.size(), score);
  for (size_t part = 0; part < parts.size(); ++part) {
    const double mean = *parts[part].mean;
    if (mean == 0) return std::nullopt;
    for (size_t r = 0; r < records.size(); ++r) {
      const std::optional<double> share = ScoreParts(records[r])[part];
      if (!share) return std::nullopt;
      linear[r] += score * score / (3 * mean * mean) * (100 * *share - mean);
    }
  }
  return CutAt100(Interval95(linear));
}

// The numbers that the records have, by the key of the measure.
std::map<std::string, std::vector<double>> NumbersByMeasure(
    const std::vector<EditScores>& records) {
  std::map<std::string, std::vector<double>> numbers;
  for (const EditScores& record : records) {
    const auto add = [&](const std::string& key, const std::optional<double>& value) {
      if (value) numbers[key].push_back(*value);
    };
    ForEachMeasure(record, [&](const MeasureName& name, const std::optional<double>& value) {
      add(name.key, value);
    });
    if (record.texts) add("entropy", record.texts->entropy);
    if (record.texts) add("reference", record.texts->reference);
  }
  return numbers;
}

template <typename Number>
double MeanOverEdits(const std::vector<const RecordEdit*>& edits, Number RecordEdit::*number) {
  std::vector<double> numbers;
  for (const RecordEdit* edit : edits) numbers.push_back(static_cast<double>(edit->*number));
  return Mean(numbers);
}

EditSweepRow MakeRow(const std::vector<const RecordEdit*>& edits) {
  std::vector<EditScores> scores;
  std::map<std::string, int64_t> stopped = {{"loss", 0}, {"probability", 0}, {"steps", 0}};
  for (const RecordEdit* edit : edits) {
    scores.push_back(edit->scores);
    ++stopped[edit->stopped];
  }
  return {.layer = edits[0]->layer,
          .projection = edits[0]->projection,
          .means = AverageScores(scores),
          .seconds_per_edit = MeanOverEdits(edits, &RecordEdit::seconds),
          .steps = MeanOverEdits(edits, &RecordEdit::steps),
          .change_norm = MeanOverEdits(edits, &RecordEdit::change_norm),
          .weight_norm = edits[0]->weight_norm,
          .stopped = stopped};
}

// Returns the row with the higher S, or `a` when they are equal. A null row or a missing S is lower
// than any S.
const EditSweepRow* Better(const EditSweepRow* a, const EditSweepRow* b) {
  const auto score = [](const EditSweepRow* row) {
    return row ? row->means.score.mean : std::nullopt;
  };
  return score(b) > score(a) ? b : a;
}

}  // namespace

EditMeans AverageScores(const std::vector<EditScores>& records) {
  EditMeans means{.records = static_cast<int64_t>(records.size())};
  if (!records.empty()) means.measures.benchmark = records[0].benchmark;
  std::map<std::string, std::vector<double>> numbers = NumbersByMeasure(records);
  ForEachMeasure(means.measures, [&](const MeasureName& name, MeasureMean& mean) {
    mean = MeanOfShares(numbers[name.key], name.kind);
  });
  if (!numbers["entropy"].empty() || !numbers["reference"].empty())
    means.measures.texts = {MeanOfShares(numbers["entropy"], MeasureName::Kind::kDifference),
                            MeanOfShares(numbers["reference"], MeasureName::Kind::kDifference)};
  const std::array<MeasureMean, 3> parts = ScoreParts(means.measures);
  if (!parts[0].mean || !parts[1].mean || !parts[2].mean) return means;
  means.score.mean = HarmonicMeanOfRounded({*parts[0].mean, *parts[1].mean, *parts[2].mean});
  means.score.interval = ScoreInterval(records, *means.score.mean, parts);
  return means;
}

std::vector<NamedMean> PrincipalMeans(const EditMeans& means) {
  const std::array<MeasureMean, 3> parts = ScoreParts(means.measures);
  if (means.measures.benchmark == EditBenchmark::kZsre)
    return {{"rewrite_acc", "rewrite", "Rewrite accuracy", parts[0]},
            {"paraphrase_acc", "paraphr.", "Paraphrase accuracy", parts[1]},
            {"neighborhood_acc", "neighbor.", "Neighborhood accuracy", parts[2]},
            {"S", "S", "Score S", means.score}};
  return {{"ES", "ES", "Efficacy ES", parts[0]},
          {"PS", "PS", "Generalization PS", parts[1]},
          {"NS", "NS", "Specificity NS", parts[2]},
          {"S", "S", "Score S", means.score}};
}

const EditSweepRow* ProjectionSummary::Best() const {
  const EditSweepRow* best = nullptr;
  for (const EditSweepRow& row : rows) best = Better(best, &row);
  return best;
}

const EditSweepRow* EditSweepSummary::Best() const {
  const EditSweepRow* best = nullptr;
  for (const ProjectionSummary& projection : projections) best = Better(best, projection.Best());
  return best;
}

std::vector<int> EditSweepSummary::Layers() const {
  std::set<int> layers;
  for (const ProjectionSummary& projection : projections) {
    for (const EditSweepRow& row : projection.rows) layers.insert(row.layer);
  }
  return {layers.begin(), layers.end()};
}

double EditSweepSummary::WidestHalfInterval() const {
  double widest = 0;
  for (const ProjectionSummary& projection : projections) {
    for (const EditSweepRow& row : projection.rows) {
      for (const NamedMean& mean : PrincipalMeans(row.means)) {
        if (const Interval& interval = mean.value.interval)
          widest = std::max(widest, (interval->second - interval->first) / 2);
      }
    }
  }
  return widest;
}

std::vector<ProjectionSummary> GroupByProjection(const std::vector<EditSweepRow>& rows) {
  std::vector<ProjectionSummary> projections;
  for (const EditSweepRow& row : rows) {
    auto at = std::find_if(projections.begin(), projections.end(),
                           [&](const auto& p) { return p.projection == row.projection; });
    if (at == projections.end()) at = projections.insert(at, {row.projection, {}});
    at->rows.push_back(row);
  }
  for (ProjectionSummary& projection : projections)
    std::stable_sort(projection.rows.begin(), projection.rows.end(),
                     [](const auto& a, const auto& b) { return a.layer < b.layer; });
  return projections;
}

EditSweepSummary SummarizeSweep(const std::vector<RecordResult>& records) {
  std::vector<EditScores> pre;
  // Each element holds the edits of one weight. Elements and edits are in the records' order.
  std::vector<std::vector<const RecordEdit*>> places;
  std::map<std::pair<std::string, int>, size_t> found;
  for (const RecordResult& record : records) {
    pre.push_back(record.pre);
    for (const RecordEdit& edit : record.edits) {
      const auto [at, is_new] =
          found.emplace(std::pair(edit.projection, edit.layer), places.size());
      if (is_new) places.emplace_back();
      places[at->second].push_back(&edit);
    }
  }
  std::vector<EditSweepRow> rows;
  for (const std::vector<const RecordEdit*>& edits : places) rows.push_back(MakeRow(edits));
  return {.pre = AverageScores(pre), .projections = GroupByProjection(rows)};
}

}  // namespace mambascope
