#include "mambascope/experiments/lre/lre_json.h"
#include "mambascope/reports/result_tables.h"

namespace mambascope {

Table MakeTable(const LreResult& result) {
  constexpr size_t kOfTrial = 5, kOfLayer = 11;  // columns
  Table table({"model",
               "name",
               "kind",
               "template",
               "samples",
               "range",
               "chance",
               "trial",
               "known",
               "tested",
               "edited",
               "majority",
               "layer",
               "faithfulness",
               "faithfulness_in_3",
               "causality",
               "identity",
               "translation",
               "regression",
               "beta",
               "rank",
               "held_out_faithfulness",
               "training_causality",
               "skipped"});
  const Json model = ModelCell(result.options);
  for (const RelationResult& r : result.relations) {
    const TableCells relation = {model, r.name, r.kind, r.pattern, r.samples, r.range, r.chance};
    for (size_t i = 0; i < r.trials.size(); ++i) {
      const TrialResult& t = r.trials[i];
      if (!t.skipped.empty())
        table.Add(relation + TableCells{i} + TableCells(kOfTrial - 1 + kOfLayer) +
                  TableCells{t.skipped});
      for (const TrialLayer& l : t.by_layer)
        table.Add(relation + TableCells{i, t.known, t.tested, t.edited, t.majority} +
                  TableCells{LayerJson(l.layer), l.faithfulness, l.faithfulness_in_3, l.causality,
                             l.identity, l.translation, l.regression, l.beta, l.rank,
                             l.held_out_faithfulness, l.training_causality} +
                  TableCells{Json()});
    }
  }
  for (const SkippedRelation& skipped : result.skipped)
    table.Add(TableCells{model, skipped.name, skipped.kind} + TableCells(4 + kOfTrial + kOfLayer) +
              TableCells{skipped.reason});
  return table;
}

}  // namespace mambascope
