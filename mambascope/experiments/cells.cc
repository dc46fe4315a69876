#include "mambascope/experiments/cells.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "mambascope/data/random.h"
#include "mambascope/error.h"
#include "mambascope/intervene/run.h"

namespace mambascope {
namespace {

void Append(const SweepPlan& plan, SweepPlan& sum) {
  sum.cases += plan.cases;
  sum.passes += plan.passes;
  sum.layer_tokens += plan.layer_tokens;
  sum.naive_layer_tokens += plan.naive_layer_tokens;
  sum.peak_rows = std::max(sum.peak_rows, plan.peak_rows);
  sum.peak_bytes = std::max(sum.peak_bytes, plan.peak_bytes);
}

}  // namespace

std::vector<double> CellProbabilities(const Model& model, const std::vector<SweepBase>& bases, const std::vector<SweepCase>& cases,
                                      const std::vector<int64_t>& answers, const CellOptions& options, Audit& audit) {
  c10::NoGradGuard no_grad;
  SweepOptions sweep = options.sweep;
  sweep.planned = [&](const SweepPlan& plan) { Append(plan, audit.plan); };
  const at::Tensor p = AnswerProbabilities(model, Sweep(model, bases, cases, sweep), answers).to(at::kCPU, at::kDouble);
  const auto values = p.accessor<double, 1>();
  std::vector<double> cells;
  for (int64_t i = 0; i < p.numel(); ++i) cells.push_back(values[i]);
  if (!std::all_of(cells.begin(), cells.end(), [](double cell) { return std::isfinite(cell); }))
    throw Error("a probability is not a number", "the checkpoint's weights may be damaged or of a type that overflows");
  Random random(options.seed);
  for (int64_t i = 0; i < options.recheck && !cases.empty(); ++i) {
    const size_t drawn = random.Below(cases.size());
    const SweepBase& base = bases[cases[drawn].base];
    const RunResult run = Run(model, {base.ids}, {.variants = {cases[drawn].variant}, .keep = {}, .base = {base.variant}});
    const double again = run.LastLogits()[0].softmax(0)[answers[drawn]].item<double>();
    audit.largest_difference = std::max(audit.largest_difference, std::abs(again - cells[drawn]));
    ++audit.rechecked;
  }
  return cells;
}

}  // namespace mambascope
