// Means over edited records, as result files, tables, figures and pages show them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/experiments/editing/edit_result.h"

namespace mambascope {

// Mean over the records that have a number, times 100, as the public implementations of ROME print
// it. The interval is the 95 % one by Student's t; a share's is cut off at 0 and 100.
struct MeasureMean {
  std::optional<double> mean = {};  // none when no record has a number
  std::optional<std::pair<double, double>> interval = {};
};

struct EditMeans {
  int64_t records = 0;
  EditMeasures<MeasureMean> measures = {};
  // S is HarmonicMeanOfRounded of the three ScoreParts; none when one of them is missing. A
  // record's three shares depend on each other, so the interval is linearized (delta method).
  MeasureMean score = {};
};

// Averages the scores of records. REQUIRES: all are of one benchmark
EditMeans AverageScores(const std::vector<EditScores>& records);

// A column of a table: one part of the score, or the score.
struct NamedMean {
  std::string key;    // as in result files: ES, or rewrite_acc
  std::string head;   // the column's head, at most 9 characters
  std::string title;  // "Efficacy ES"
  MeasureMean value;
};

// Returns ES, PS, NS and S; for zsRE the three token accuracies and S.
std::vector<NamedMean> PrincipalMeans(const EditMeans& means);

// The edits of one weight, one per record.
struct EditSweepRow {
  int layer = 0;
  std::string projection;
  EditMeans means = {};
  double seconds_per_edit = 0, steps = 0, change_norm = 0;  // means
  double weight_norm = 0;                                   // of the weight before any edit
  std::map<std::string, int64_t> stopped = {};              // how many searches each reason ended

  // The mean change as a part of the weight, |W' - W| / |W|.
  double ChangePercent() const { return 100 * change_norm / weight_norm; }
};

// The rows of one projection, from its lowest layer up.
struct ProjectionSummary {
  std::string projection;
  std::vector<EditSweepRow> rows;

  // The row with the highest S, the first of several; null when no row has an S.
  const EditSweepRow* Best() const;
};

// A sweep: every record edited at every layer of every projection, each edit alone.
struct EditSweepSummary {
  EditMeans pre = {};                               // of the unedited model
  std::vector<ProjectionSummary> projections = {};  // in the order of the records' edits

  // The row with the highest S of all projections; null when no row has an S.
  const EditSweepRow* Best() const;
  // All layers of all projections, ascending.
  std::vector<int> Layers() const;
  // Half of the widest interval among the rows' principal means, in percent; 0 without intervals.
  double WidestHalfInterval() const;
};

EditSweepSummary SummarizeSweep(const std::vector<RecordResult>& records);

// Groups existing rows by projection, in the order of each projection's first row, and sorts them
// by layer.
std::vector<ProjectionSummary> GroupByProjection(const std::vector<EditSweepRow>& rows);

}  // namespace mambascope
