// These are the means over edited records that result files, tables, figures and pages show.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/experiments/editing/edit_result.h"

namespace mambascope {

// This is a mean over the records that have a number, times 100, as the public implementations of
// ROME print it. The interval is the mean's 95 % one by Student's t; a share's is cut at 0 and 100.
struct MeasureMean {
  std::optional<double> mean = {};  // none: no record has a number
  std::optional<std::pair<double, double>> interval = {};
};

struct EditMeans {
  int64_t records = 0;
  EditMeasures<MeasureMean> measures = {};
  // S is HarmonicMeanOfRounded of the three ScoreParts; there is none where one of them is missing.
  // Its interval is linearized (the delta method), since a record's three shares are dependent.
  MeasureMean score = {};
};

// Averages the scores of records. REQUIRES: they are of one benchmark
EditMeans AverageScores(const std::vector<EditScores>& records);

// Tables show the parts of the score and the score itself.
struct NamedMean {
  std::string key;    // as in result files: ES, or rewrite_acc
  std::string head;   // of a table's column, at most 9 characters
  std::string title;  // "Efficacy ES"
  MeasureMean value;
};

// These are ES, PS, NS and S; of zsRE they are the three token accuracies and S.
std::vector<NamedMean> PrincipalMeans(const EditMeans& means);

// A row is about the edits of one weight, of which each record has one.
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

  // The row of the highest S, the first of several; null where none has one.
  const EditSweepRow* Best() const;
};

// Every record rewritten at every layer of every projection, each edit alone.
struct EditSweepSummary {
  EditMeans pre = {};                               // of the unedited model
  std::vector<ProjectionSummary> projections = {};  // in the order of the records' edits

  // The row of the highest S of all projections; null where none has one.
  const EditSweepRow* Best() const;
  // All layers that some projection has, ascending.
  std::vector<int> Layers() const;
  // Half of the widest interval among the rows' principal means, in percent; 0 where there is none.
  double WidestHalfInterval() const;
};

EditSweepSummary SummarizeSweep(const std::vector<RecordResult>& records);

// Sorts rows that were made already by projection, in the order of their first rows, and layer.
std::vector<ProjectionSummary> GroupByProjection(const std::vector<EditSweepRow>& rows);

}  // namespace mambascope
