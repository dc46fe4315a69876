// Edits over many records: what tables, figures and pages say of them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/experiments/editing/edit_result.h"

namespace mambascope {

// Over the records that have a number, times 100, as the public implementations of ROME print it.
struct MeasureMean {
  std::optional<double> mean = {};                           // none: no record has a number
  std::optional<std::pair<double, double>> interval = {};    // of 95 %, by Student's t; that of a share is cut at 0 and 100
};

struct EditMeans {
  int64_t records = 0;
  EditMeasures<MeasureMean> measures = {};
  // S: HarmonicMeanOfRounded of the three ScoreParts; none where one is missing. Its interval is linearized (the delta method), with
  // records as they are: their three shares are not independent.
  MeasureMean score = {};
};

// Of records of one benchmark.
EditMeans AverageScores(const std::vector<EditScores>& records);

// What tables show of EditMeans: a part of the score, or the score.
struct NamedMean {
  std::string key;    // as in result files: ES, or rewrite_acc
  std::string head;   // of a table's column, at most 9 characters
  std::string title;  // "Efficacy ES"
  MeasureMean value;
};
// ES, PS, NS and S; of zsRE rewrite_acc, paraphrase_acc, neighborhood_acc and S.
std::vector<NamedMean> PrincipalMeans(const EditMeans& means);

// The edits of one weight: of each record one.
struct EditSweepRow {
  int layer = 0;
  std::string projection;
  EditMeans means = {};
  double seconds_per_edit = 0, steps = 0, change_norm = 0;  // means
  double weight_norm = 0;                                   // of the weight before any edit
  std::map<std::string, int64_t> stopped = {};              // edits, by what stopped their searches

  // |W' - W| / |W|, of the mean change.
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
  EditMeans pre = {};                              // of the unedited model
  std::vector<ProjectionSummary> projections = {};  // in the order of the records' edits

  // The row of the highest S of all projections; null where none has one.
  const EditSweepRow* Best() const;
  // All layers that some projection has, ascending.
  std::vector<int> Layers() const;
  // Half of the widest interval among the rows' principal means, in percent; 0 where there is none.
  double WidestHalfInterval() const;
};

EditSweepSummary SummarizeSweep(const std::vector<RecordResult>& records);

// The same of rows that were made already, a projection's together or not.
std::vector<ProjectionSummary> GroupByProjection(const std::vector<EditSweepRow>& rows);

}  // namespace mambascope
