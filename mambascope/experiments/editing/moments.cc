#include "mambascope/experiments/editing/moments.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "mambascope/error.h"
#include "mambascope/intervene/check.h"
#include "mambascope/memory.h"
#include "mambascope/model/ops.h"
#include "mambascope/model/threads.h"
#include "mambascope/plural.h"

namespace mambascope {
namespace {

constexpr double kMostCondition = 1e12;
// Columns per block of the product. The sum is symmetric, so blocks below the diagonal are skipped.
constexpr int64_t kBlock = 128, kGpuBlock = 2048;

// Adds x to `sum` and `rest`, which hold a number as their sum. The error of each addition is exact
// (Knuth's TwoSum, then Dekker's FastTwoSum).
void AddExactly(const at::Tensor& x, const at::Tensor& sum, const at::Tensor& rest) {
  const at::Tensor rounded = sum + x, of_x = rounded - sum;
  rest.add_((sum - (rounded - of_x)).add_(x - of_x));
  sum.copy_(rounded + rest);
  rest.sub_(sum - rounded);
}

// Adds x^T x to `moments`, upper blocks only. One thread computes a block, so that the sum does not
// depend on their number.
void AddProducts(const at::Tensor& x, const Moments& moments) {
  const int64_t width = x.size(1), columns = x.is_cpu() ? kBlock : kGpuBlock,
                blocks = (width + columns - 1) / columns;
  const at::Tensor keys = x.to(at::kDouble);  // [row, width]
  const auto add = [&](int64_t block) {
    const int64_t begin = block * columns, end = std::min(begin + columns, width);
    const auto upper = [&](const at::Tensor& sum) {
      return sum.slice(0, begin, end).slice(1, begin);
    };
    AddExactly(at::mm(keys.slice(1, begin, end).t(), keys.slice(1, begin)), upper(moments.sum),
               upper(moments.rest));
  };
  if (!x.is_cpu() || blocks == 1) {
    const OneThread one_thread;
    for (int64_t block = 0; block < blocks; ++block) add(block);
    return;
  }
  at::parallel_for(0, blocks, 1, [&](int64_t first, int64_t last) {
    const c10::NoGradGuard no_grad;
    // The upper blocks are larger. Each thread gets large and small ones.
    for (int64_t i = first; i < last; ++i) add(i % 2 == 0 ? i / 2 : blocks - 1 - i / 2);
  });
}

// Returns the whole of a symmetric matrix, of which only the upper blocks are there.
at::Tensor Whole(const at::Tensor& upper) { return upper.triu() + upper.triu(1).t(); }

// Adds the states at the wanted places to their moments.
class MomentHooks : public Hooks {
 public:
  MomentHooks(std::map<Place, Moments>& moments, const std::vector<Place>& places)
      : moments_(moments), wanted_(places.begin(), places.end()) {}

  at::Tensor At(const Place& place, const at::Tensor& x) override {
    if (wanted_.contains(place)) {
      RequireFinite(x, fmt::format("a state at {}", PlaceName(place)));
      Moments& moments = moments_.at(place);
      AddProducts(x, moments);
      moments.count += x.size(0);
    }
    return x;
  }
  bool Acts(const Place& place) const override { return wanted_.contains(place); }

 private:
  std::map<Place, Moments>& moments_;
  const std::set<Place> wanted_;
};

}  // namespace

at::Tensor Moments::Mean() const { return sum / static_cast<double>(count); }

void Moments::Add(const Moments& others) {
  if (!rest.defined()) rest = at::zeros_like(sum);
  AddExactly(others.sum, sum, rest);
  if (others.rest.defined()) AddExactly(others.rest, sum, rest);
  count += others.count;
}

MomentCollector::MomentCollector(const Model& model, const std::vector<Place>& places)
    : model_(model) {
  int64_t bytes = 0;
  for (const Place& place : places) {
    CheckPlace(model, place);
    bytes += int64_t{2} * 8 * model.width(place) * model.width(place);
  }
  if (model.device().is_cpu())
    RequireMemory(bytes, Count(places.size(), "second moment"), "collect fewer layers at a time");
  for (const Place& place : places) {
    const int64_t width = model.width(place);
    const auto zeros = [&] {
      return at::zeros({width, width}, at::TensorOptions(at::kDouble).device(model.device()));
    };
    moments_[place] = {.sum = zeros(), .rest = zeros()};
  }
}

void MomentCollector::Add(const std::vector<std::vector<int64_t>>& prompts,
                          const std::vector<Place>& places) {
  CheckPrompts(prompts);
  if (places.empty()) return;
  c10::NoGradGuard no_grad;
  std::vector<int64_t> ids, lengths;
  for (const std::vector<int64_t>& prompt : prompts) {
    ids.insert(ids.end(), prompt.begin(), prompt.end());
    lengths.push_back(static_cast<int64_t>(prompt.size()));
  }
  int top = kEmbedLayer;
  for (const Place& place : places) top = std::max(top, place.layer);
  MomentHooks hooks(moments_, places);
  model_.Forward(ids, Packing::Whole(lengths), &hooks, nullptr, nullptr, top);
}

Moments MomentCollector::At(const Place& place) const {
  const Moments& moments = moments_.at(place);
  return {Whole(moments.sum).cpu(), moments.count, Whole(moments.rest).cpu()};
}

Moments MomentCollector::OnDevice(const Place& place) const {
  const Moments& moments = moments_.at(place);
  return {.sum = Whole(moments.sum), .count = moments.count};
}

void MomentCollector::Restore(const Place& place, const Moments& moments) {
  Moments& own = moments_.at(place);
  own.sum.copy_(moments.sum);
  if (moments.rest.defined()) own.rest.copy_(moments.rest);
  own.count = moments.count;
}

MomentSolver::MomentSolver(const Moments& moments, double ridge)
    : ridge_(ridge), count_(moments.count) {
  const OneThread one_thread;
  at::Tensor c = moments.Mean();
  if (ridge > 0) c.diagonal().add_(c.diagonal().mean() * ridge);
  const auto [factor, info] = at::linalg_cholesky_ex(c);
  factor_ = factor;
  const at::Tensor pivots = factor.diagonal();
  const bool failed = info.item<int>() != 0 || !at::isfinite(pivots).all().item<bool>();
  condition_ = failed ? std::numeric_limits<double>::infinity()
                      : (pivots.max() / pivots.min()).pow(2).item<double>();
}

bool MomentSolver::singular() const { return !(condition_ <= kMostCondition); }

at::Tensor MomentSolver::Solve(const at::Tensor& keys) const {
  if (singular()) {
    throw Error(fmt::format("the second moments are singular (tokens: {}, width: {})", count_,
                            factor_.size(0)),
                "use more text (several times as many tokens as the width), or --ridge 1e-4");
  }
  const OneThread one_thread;
  return at::cholesky_solve(keys.to(factor_.options()).t(), factor_).t().cpu();
}

}  // namespace mambascope
