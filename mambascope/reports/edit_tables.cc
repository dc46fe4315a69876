#include "mambascope/reports/result_tables.h"

namespace mambascope {
namespace {

const std::vector<std::string> kRecordColumns = {"case_id", "relation",   "prompt",
                                                 "subject", "target_new", "target_true"};
TableCells RecordCells(const EditRecord& r) {
  return {r.case_id, TextCell(r.relation), r.prompt, r.subject, r.target_new, r.target_true};
}

// The keys of the measures, those of texts last.
std::vector<std::string> MeasureColumns(const EditScores& scores) {
  std::vector<std::string> columns;
  ForEachMeasure(scores,
                 [&](const MeasureName& name, const auto&) { columns.push_back(name.key); });
  columns.insert(columns.end(), {"entropy", "reference"});
  return columns;
}

TableCells MeasureCells(const EditScores& scores) {
  TableCells cells;
  ForEachMeasure(scores, [&](const MeasureName&, const std::optional<double>& value) {
    cells.push_back(value);
  });
  return cells + (scores.texts ? TableCells{scores.texts->entropy, scores.texts->reference}
                               : TableCells(2));
}

// The same of means, as shares from 0 to 1 like those of a record.
TableCells MeasureCells(const EditMeans& means) {
  const auto share = [](const MeasureMean& mean) {
    return mean.mean ? Json(*mean.mean / 100) : Json();
  };
  TableCells cells;
  ForEachMeasure(means.measures, [&](const MeasureName&, const MeasureMean& mean) {
    cells.push_back(share(mean));
  });
  const auto& texts = means.measures.texts;
  return cells +
         (texts ? TableCells{share(texts->entropy), share(texts->reference)} : TableCells(2));
}

}  // namespace

Table MakeTable(const OneEditResult& result) {
  Table table({"model", "layer", "projection", "prompt", "subject", "target", "measure", "pass",
               "loss", "nll", "kl", "decay", "p", "id", "text", "prob", "p_target"});
  const auto keys = [&](const char* measure) -> TableCells {
    return {ModelCell(result.options),
            result.layers.back(),
            result.projection,
            result.prompt,
            result.subject,
            result.target,
            measure};
  };
  for (size_t i = 0; i < result.loss.size(); ++i) {
    const LossStep& s = result.loss[i];
    table.Add(keys("loss") + TableCells{i, s.loss, s.nll, s.kl, s.decay, s.p} + TableCells(4));
  }
  for (const auto& [measure, said] :
       {std::pair("before", &result.before), std::pair("after", &result.after)}) {
    for (const TokenProbability& token : said->top)
      table.Add(keys(measure) + TableCells(6) +
                TableCells{token.id, token.text, token.prob, said->p_target});
  }
  return table;
}

Table MakeTable(const EditSweepResult& result) {
  const EditScores first = result.records.empty() ? EditScores() : result.records[0].pre;
  std::vector<std::string> columns = {"model"};
  columns.insert(columns.end(), kRecordColumns.begin(), kRecordColumns.end());
  Table table(JoinColumns(columns,
                          {"layer", "projection", "steps", "loss", "p", "stopped", "change_norm",
                           "weight_norm", "seconds"},
                          MeasureColumns(first)));
  for (const RecordResult& record : result.records) {
    const TableCells keys = TableCells{ModelCell(result.options)} + RecordCells(record.record);
    table.Add(keys + TableCells(9) + MeasureCells(record.pre));
    for (const RecordEdit& e : record.edits)
      table.Add(keys +
                TableCells{e.layer, e.projection, e.steps, e.loss, e.p, e.stopped, e.change_norm,
                           e.weight_norm, e.seconds} +
                MeasureCells(e.scores));
  }
  return table;
}

Table MakeTable(const MassEditResult& result) {
  const EditScores first = result.records.empty() ? EditScores() : result.records[0].pre;
  std::vector<std::string> columns = {"model", "edits", "records", "edited"};
  Table table(JoinColumns(columns, kRecordColumns, MeasureColumns(first)));
  const Json model = ModelCell(result.options);
  for (const MassEditPoint& point : result.points) {
    const TableCells none(kRecordColumns.size());
    table.Add(TableCells{model, point.edits, point.pre.records, false} + none +
              MeasureCells(point.pre));
    table.Add(TableCells{model, point.edits, point.means.records, true} + none +
              MeasureCells(point.means));
  }
  for (const MassEditedRecord& record : result.records) {
    const int64_t edits = result.points.back().edits;
    const TableCells keys = RecordCells(record.record);
    table.Add(TableCells{model, edits, 1, false} + keys + MeasureCells(record.pre));
    table.Add(TableCells{model, edits, 1, true} + keys + MeasureCells(record.post));
  }
  return table;
}

}  // namespace mambascope
