// The figures of one causal trace, and their words.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/tracing/trace_result.h"
#include "mambascope/figures/grid.h"
#include "mambascope/figures/page.h"

namespace mambascope {

inline constexpr size_t kTracedSamples = 3;  // facts whose own heat maps a page shows

// The metric (p(answer), or the logit difference) of one fact, tokens by layers. The facts of a
// page have one colour scale. REQUIRES: the fact has it.
Grid FactHeatMap(const TraceResult& result, const FactTrace& fact);

// The indirect effect averaged over facts, rows of tokens by layers. With --isolate it is the
// effect of mixer_out less the effects of its inputs, ssm_out and gate.
Grid AverageHeatMap(const TraceResult& result);

// The same as figures of a page, the average with its curves.
Figure FactFigure(const TraceResult& result, const FactTrace& trace);
std::vector<Figure> AverageFigures(const TraceResult& result);

// Whether averages leave out all facts.
bool HasAverage(const TraceResult& result);
// The average whose curves a page draws first.
const TraceAverage& DrawnAverage(const TraceResult& result);
// The cells of a fact that figures show. Empty: it has no other answer, and so no logit difference.
const TraceGrid& ShownGrid(const TraceResult& result, const FactTrace& trace);
bool IsLogitDiff(const TraceResult& result);

// The colours that published figures give to each kind of state.
std::string SchemeForSite(Site site);

// "ssm_out", or with --isolate "mixer_out and its inputs".
std::string SiteText(const TraceResult& result);
// "12 facts of relations", or the prompt of the only fact.
std::string TracedData(const TraceResult& result);
// "another subject" or "noise": what corrupts the prompts.
std::string Corruption(const TraceResult& result);
std::string AverageTitle(const TraceResult& result, const std::string& what);
// What a cell of a fact's heat map is.
std::string ValueName(const TraceResult& result);
// The layers' labels on an axis.
std::vector<std::string> LayerLabels(const TraceResult& result, size_t layers);
// "subject last"
std::string RowName(size_t row);
// The clean and the corrupted run, and the answers, for the head of a page.
PageLines FactLines(const TracedFact& fact);

}  // namespace mambascope
