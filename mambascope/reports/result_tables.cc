#include "mambascope/reports/result_tables.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

namespace mambascope {
namespace {

// The columns and cells that say which fact a row of tracing is of.
const std::vector<std::string> kFactColumns = {"model",           "relation", "subject",
                                               "corrupt_subject", "prompt",   "answer"};
TableCells FactCells(const Json& options, const TracedFact& fact) {
  return {ModelCell(options), TextCell(fact.relation),
          fact.clean.subject, fact.corrupt ? Json(fact.corrupt->subject) : Json(),
          fact.clean.text,    fact.answer};
}

// The numbers of a cell. IE is null where averages leave the fact out.
const std::vector<std::string> kEffectColumns = {
    "p",          "p_clean",          "p_corrupt",          "ie",           "other_answer",
    "logit_diff", "logit_diff_clean", "logit_diff_corrupt", "ie_logit_diff"};
Json EffectCell(const TracedFact& fact, Metric metric, const std::optional<double>& value) {
  const std::optional<EffectScale> scale = ScaleOf(fact, metric);
  return value && scale ? Json((*scale)(*value)) : Json();
}
TableCells EffectCells(const TracedFact& fact, const std::optional<double>& p,
                       const std::optional<double>& logit_diff) {
  return {p,
          fact.p_clean,
          fact.p_corrupt,
          EffectCell(fact, Metric::kProbability, p),
          fact.other_answer_id ? Json(fact.other_answer) : Json(),
          logit_diff,
          fact.logit_diff_clean,
          fact.logit_diff_corrupt,
          EffectCell(fact, Metric::kLogitDiff, logit_diff)};
}

// `logit_diff` is empty, or has the shape of `grid`.
void AddGrid(const TraceResult& result, const FactTrace& trace, Site site, const TraceGrid& grid,
             const TraceGrid& logit_diff, Table& table) {
  const auto tokens = static_cast<int64_t>(grid.size());
  for (int64_t t = 0; t < tokens; ++t) {
    const auto& row = grid[static_cast<size_t>(t)];
    const std::optional<size_t> name = TraceRow(trace.fact.clean.subject_span, tokens, t);
    for (size_t l = 0; l < row.size(); ++l)
      table.Add(
          FactCells(result.options, trace.fact) +
          TableCells{
              SiteName(site), result.window, t, trace.fact.clean.tokens.at(static_cast<size_t>(t)),
              name ? Json(kTraceRows[*name]) : Json(), site == Site::kEmbed ? Json() : Json(l)} +
          EffectCells(trace.fact, row[l],
                      logit_diff.empty() ? std::nullopt : logit_diff[static_cast<size_t>(t)][l]));
  }
}

void AddPaths(const PathsResult& result, const FactPaths& paths, Table& table) {
  for (size_t c = 0; c < paths.conditions.size(); ++c) {
    for (size_t l = 0; l < paths.probs[c].size(); ++l)
      table.Add(FactCells(result.options, paths.fact) +
                TableCells{result.at, paths.conditions[c], l} +
                EffectCells(paths.fact, paths.probs[c][l],
                            paths.logit_diff.empty() ? std::nullopt
                                                     : std::optional(paths.logit_diff[c][l])));
  }
}

// Rows of the knockouts of one model share these.
class KnockoutRows {
 public:
  KnockoutRows(const KnockoutResult& result, Table& table) : result_(result), table_(table) {}

  void Add(const KnockedFact& fact) {
    for (size_t f = 0; f < fact.cells.size(); ++f) {
      const Flow& flow = result_.flows[f];
      const bool cut = !flow.to.empty();
      for (size_t w = 0; w < fact.cells[f].size(); ++w)
        AddCell(fact, "curve", flow.from, TextCell(flow.to),
                cut ? Json(result_.channels.at(flow.group)) : Json(), lengths(flow.windows).x[w],
                fact.sources[f], fact.cells[f][w], lengths(flow.windows).window);
    }
    for (size_t t = 0; t < fact.heatmap.size(); ++t) {
      for (size_t w = 0; w < fact.heatmap[t].size(); ++w)
        AddCell(fact, "heatmap", t, "last", Json(), fact.places[w], 1, fact.heatmap[t][w],
                lengths(0).window);
    }
    if (fact.parts) AddParts(fact, *fact.parts);
  }

 private:
  const WindowPlaces& lengths(size_t set) const { return result_.lengths.at(set); }

  TableCells Keys(const KnockedFact& fact, const char* measure, const Json& window) const {
    return {result_.name,
            measure,
            TextCell(fact.relation),
            fact.prompt.subject,
            fact.prompt.text,
            fact.answer,
            result_.mode,
            window};
  }

  void AddCell(const KnockedFact& fact, const char* measure, const Json& from, const Json& to,
               const Json& channels, int x, int64_t sources, const AnswerCell& cell, int window) {
    table_.Add(Keys(fact, measure, window) +
               TableCells{from, to, channels, x, sources, cell.p, cell.is_top, fact.base.p,
                          fact.base.is_top, 100 * (cell.p - fact.base.p) / fact.base.p, Json()});
  }

  // The window in rows that no window changes: the only one of the run.
  Json WholeRun() const {
    return result_.lengths.size() == 1 ? Json(result_.lengths[0].window) : Json();
  }

  void AddPart(const KnockedFact& fact, const Json& from, const Json& layer, double logit) {
    table_.Add(Keys(fact, "decompose", WholeRun()) + TableCells{from, "last", Json(), layer, Json(),
                                                                Json(), Json(), fact.base.p,
                                                                fact.base.is_top, Json(), logit});
  }

  void AddParts(const KnockedFact& fact, const AnswerParts& parts) {
    for (size_t l = 0; l < parts.by_token.size(); ++l) {
      for (size_t t = 0; t < parts.by_token[l].size(); ++t)
        AddPart(fact, t, l, parts.by_token[l][t]);
      AddPart(fact, "skip", l, parts.skip[l]);
      AddPart(fact, "bias", l, parts.bias[l]);
      AddPart(fact, "mlp", l, parts.mlp[l]);
    }
    AddPart(fact, "embedding", Json(), parts.embedding);
    AddPart(fact, "offset", Json(), parts.offset);
  }

  const KnockoutResult& result_;
  Table& table_;
};

}  // namespace

Table MakeTable(const TraceResults& results) {
  Table table(JoinColumns(kFactColumns, {"site", "window", "token", "token_text", "row", "layer"},
                          kEffectColumns));
  for (const std::vector<TraceResult>& sites : results) {
    for (const TraceResult& result : sites) {
      for (const FactTrace& trace : result.facts) {
        AddGrid(result, trace, result.site, trace.probs, trace.logit_diff, table);
        AddGrid(result, trace, Site::kSsmOut, trace.ssm_out, {}, table);
        AddGrid(result, trace, Site::kGate, trace.gate, {}, table);
      }
    }
  }
  return table;
}

Table MakeTable(const PathsResults& results) {
  Table table(JoinColumns(kFactColumns, {"at", "condition", "layer"}, kEffectColumns));
  for (const std::vector<PathsResult>& tokens : results) {
    for (const PathsResult& result : tokens) {
      for (const FactPaths& paths : result.facts) AddPaths(result, paths, table);
    }
  }
  return table;
}

Table MakeTable(const std::vector<KnockoutResult>& results) {
  Table table({"model", "measure", "relation", "subject", "prompt", "answer", "mode", "window",
               "from", "to", "channels", "x", "sources", "p", "is_top", "p_base", "base_is_top",
               "probability_change_percent", "logit"});
  for (const KnockoutResult& result : results) {
    KnockoutRows rows(result, table);
    for (const KnockedFact& fact : result.facts) rows.Add(fact);
  }
  return table;
}

Table MakeTable(const AttentionResult& result) {
  Table table({"model", "layer", "kind", "channels", "to", "to_text", "from", "from_text", "signed",
               "absolute", "normalised", "channel", "channel_matrix"});
  for (const LayerAttention& layer : result.layers) {
    const auto at = [](const at::Tensor& matrix, int64_t to, int64_t from) {
      return matrix.defined() ? Json(matrix[to][from].item<double>()) : Json();
    };
    const auto text = [&](int64_t token) -> Json {
      return result.texts.at(static_cast<size_t>(token));
    };
    for (int64_t to = 0; to < layer.mean.size(0); ++to) {
      for (int64_t from = 0; from <= to; ++from)
        table.Add({ModelCell(result.options), layer.layer, layer.channel_name, layer.channels, to,
                   text(to), from, text(from), at(layer.mean, to, from),
                   at(layer.absolute, to, from), at(layer.normalised, to, from), result.channel,
                   at(layer.channel, to, from)});
    }
  }
  return table;
}

Table MakeTable(const MomentsResult& result) {
  Table table({"model", "site", "layer", "projections", "width", "tokens", "documents", "condition",
               "convergence_tokens", "convergence_change"});
  for (const MomentResult& m : result.moments) {
    const TableCells keys = {ModelCell(result.options),
                             SiteName(m.place.site),
                             m.place.layer,
                             fmt::format("{}", fmt::join(result.projections.at(m.place), "+")),
                             m.width,
                             m.tokens,
                             m.documents,
                             m.condition};
    for (size_t i = 0; i < m.convergence.tokens.size(); ++i)
      table.Add(keys + TableCells{m.convergence.tokens[i], m.convergence.change[i]});
    if (m.convergence.tokens.empty()) table.Add(keys + TableCells{Json(), Json()});
  }
  return table;
}

}  // namespace mambascope
