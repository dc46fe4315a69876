#include "mambascope/experiments/cells.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "mambascope/data/random.h"
#include "mambascope/error.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/ops.h"

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

// Returns the cell of answers[i] from the last block's output last[i].
std::vector<AnswerCell> ReadCells(const Model& model, const at::Tensor& last,
                                  const std::vector<int64_t>& answers,
                                  const std::vector<int64_t>& others) {
  std::vector<AnswerCell> cells;
  model.UnembedInParts(last, [&](int64_t begin, const at::Tensor& logits) {  // [case, vocab]
    const int64_t n = logits.size(0);
    const auto of = [&](const std::vector<int64_t>& ids) {  // [case]
      const at::Tensor index = RowIndex({ids.begin() + begin, ids.begin() + begin + n}, last);
      return logits.gather(1, index.unsqueeze(1)).squeeze(1);
    };
    const at::Tensor own = of(answers);
    const at::Tensor p = (own - logits.logsumexp(1)).exp().to(at::kCPU, at::kDouble),
                     top = own.ge(logits.amax(1)).cpu();
    const auto each_p = p.accessor<double, 1>();
    const auto is_top = top.accessor<bool, 1>();
    for (int64_t i = 0; i < n; ++i) cells.push_back({each_p[i], is_top[i]});
    if (others.empty()) return;
    const at::Tensor difference = (own - of(others)).to(at::kCPU, at::kDouble);
    const auto each_difference = difference.accessor<double, 1>();
    for (int64_t i = 0; i < n; ++i)
      cells[static_cast<size_t>(begin + i)].logit_diff = each_difference[i];
  });
  return cells;
}

}  // namespace

void Audit::Add(const Audit& other) {
  Append(other.plan, plan);
  rechecked += other.rechecked;
  largest_difference = std::max(largest_difference, other.largest_difference);
}

std::vector<AnswerCell> AnswerCells(const Model& model, const std::vector<SweepBase>& bases,
                                    const std::vector<SweepCase>& cases,
                                    const std::vector<int64_t>& answers, const CellOptions& options,
                                    Audit& audit, const std::vector<int64_t>& others) {
  c10::NoGradGuard no_grad;
  SweepOptions sweep = options.sweep;
  sweep.planned = [&](const SweepPlan& plan) { Append(plan, audit.plan); };
  std::vector<std::optional<AnswerCell>> so_far(options.partial ? cases.size() : 0);
  const auto pick = [](const std::vector<int64_t>& of, const std::vector<int64_t>& rows) {
    std::vector<int64_t> picked;
    for (const int64_t row : of.empty() ? of : rows) picked.push_back(of[static_cast<size_t>(row)]);
    return picked;
  };
  // A case reads one row, so rows are cases.
  if (options.partial)
    sweep.found = [&](const std::vector<int64_t>& rows, const at::Tensor& states) {
      const std::vector<AnswerCell> some =
          ReadCells(model, states, pick(answers, rows), pick(others, rows));
      for (size_t i = 0; i < rows.size(); ++i) so_far[static_cast<size_t>(rows[i])] = some[i];
      options.partial(so_far);
    };
  const at::Tensor last = Sweep(model, bases, cases, sweep);
  std::vector<AnswerCell> cells;
  for (const std::optional<AnswerCell>& cell : so_far) cells.push_back(cell.value());
  if (!options.partial) cells = ReadCells(model, last, answers, others);
  if (!std::all_of(cells.begin(), cells.end(),
                   [](const AnswerCell& cell) { return std::isfinite(cell.p); }))
    throw NotFinite("a probability");
  Random random(options.seed);
  for (int64_t i = 0; i < options.recheck && !cases.empty(); ++i) {
    const size_t drawn = random.Below(cases.size());
    const SweepBase& base = bases[cases[drawn].base];
    const RunResult run =
        Run(model, {base.ids},
            {.variants = {cases[drawn].variant}, .keep = {}, .base = {base.variant}});
    const double again = run.LastLogits()[0].softmax(0)[answers[drawn]].item<double>();
    audit.largest_difference = std::max(audit.largest_difference, std::abs(again - cells[drawn].p));
    ++audit.rechecked;
  }
  return cells;
}

}  // namespace mambascope
