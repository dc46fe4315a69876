#include "mambascope/intervene/sweep.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "mambascope/intervene/base_runs.h"
#include "mambascope/intervene/changes.h"
#include "mambascope/intervene/cuts.h"
#include "mambascope/intervene/downstream.h"

namespace mambascope {
namespace {

// Segments that are computed together, in the order in which they join.
class Group : public Hooks {
 public:
  explicit Group(const BaseRuns& base) : base_(base) {}

  // REQUIRES: region.layer >= the layer of every region appended before.
  void Append(const DownstreamRegion& region, const SweepBase& base) {
    const Placement placement{region.first, region.end, rows() - region.first,
                              base_.FirstRow(region.work->base)};
    regions_.push_back(region);
    segments_.push_back({rows(), region.rows(), region.first, base_.Slot(region)});
    // Joining rows already contain the base run's interventions below the region's layer.
    const auto still_to_do = [&](const StateId& at) { return at.layer >= region.layer; };
    // Below the region a variant equals its base run, so Holds there do nothing.
    const auto inside = [&](const StateId& at) { return FirstLayer(at) >= region.layer; };
    changes_.Append(base.variant, placement, still_to_do);
    changes_.Append(region.work->variant, placement, inside);
    AppendCuts(region, base);
  }

  int64_t rows() const { return segments_.empty() ? 0 : segments_.back().end(); }
  const std::vector<DownstreamRegion>& regions() const { return regions_; }

  // Adds the segments that join at `layer`. They start from the base runs' residual stream `h`,
  // with the variants' changes of it.
  void Join(int layer, const at::Tensor& h) {
    std::vector<int64_t> rows;
    const int64_t begin = joined_.rows();
    for (size_t i = joined_.segments.size(); i < regions_.size() && regions_[i].layer == layer;
         ++i) {
      joined_.segments.push_back(segments_[i]);
      for (int64_t t = regions_[i].first; t < regions_[i].end; ++t)
        rows.push_back(base_.FirstRow(regions_[i].work->base) + t);
    }
    if (rows.empty()) return;
    const at::Tensor from_base =
        changes_.Apply(BlockInput(layer), begin, h, h.index_select(0, RowIndex(rows, h)));
    h_ = begin == 0 ? from_base : at::cat({h_, from_base});
    if (!base_.embedding().defined()) return;
    // Above the first layer, no variant has changed its embedding.
    const at::Tensor own =
        layer == 0 ? from_base
                   : base_.embedding().index_select(0, RowIndex(rows, base_.embedding()));
    joined_.embedding = begin == 0 ? own : at::cat({joined_.embedding, own});
  }

  // Computes one layer; `base` is the base runs' data there. Returns the number of rows computed.
  int64_t Up(const Model& model, int layer, const BaseLayer& base) {
    Join(layer, base.h);
    if (joined_.segments.empty()) return 0;
    Carry dropped;
    held_ = &base.held;
    h_ = model.layer(layer).Forward(h_, joined_, base.carry, dropped, {*this, layer});
    return joined_.rows();
  }

  // Returns the states that the regions read, [read, d_model]. Appends to `order` the result row of
  // each.
  at::Tensor Read(const std::vector<int64_t>& result_rows, std::vector<int64_t>& order) const {
    std::vector<int64_t> rows;
    for (size_t i = 0; i < regions_.size(); ++i) {
      const DownstreamRegion& region = regions_[i];
      int64_t result = result_rows[region.index];
      const auto read = [&](int64_t token) {
        rows.push_back(segments_[i].begin + token - region.first);
        order.push_back(result++);
      };
      if (region.work->read.empty()) read(region.end - 1);
      for (int64_t token : region.work->read) read(token);
    }
    return h_.index_select(0, RowIndex(rows, h_));
  }

  at::Tensor At(const Place& place, const at::Tensor& x) override {
    const auto held = held_->find(place);
    return changes_.Apply(place, 0, held == held_->end() ? at::Tensor() : held->second, x);
  }
  bool Acts(const Place& place) const override { return changes_.Has(place); }
  std::vector<RowCut> Cuts(int layer) override {
    return cuts_.contains(layer) ? cuts_.at(layer) : std::vector<RowCut>();
  }

 private:
  // Appends the cuts of the region that was appended last.
  void AppendCuts(const DownstreamRegion& region, const SweepBase& base) {
    const std::vector<const Variant*> variants = {&base.variant, &region.work->variant};
    for (int layer : CutLayers(variants, region.layer)) {
      for (CutTokens& cut : CutsAt(layer, variants, region.first, region.end)) {
        const int64_t carry = base_.Slot(region, layer, cut.hidden);
        cuts_[layer].push_back(OnRows(std::move(cut), segments_.size() - 1,
                                      segments_.back().begin - region.first, carry));
      }
    }
  }

  const BaseRuns& base_;
  std::vector<DownstreamRegion> regions_;
  std::vector<Segment> segments_;  // of all regions
  Packing joined_;                 // the segments that have joined so far, and their embeddings
  Changes changes_;
  std::map<int, std::vector<RowCut>> cuts_;  // by layer
  // Held states of the base runs in the current layer.
  const std::map<Place, at::Tensor>* held_ = nullptr;
  at::Tensor h_;  // [row, d_model] of the segments that have joined
};

// Sorts the regions by the layer at which they join and splits them into groups.
std::vector<std::unique_ptr<Group>> MakeGroups(const BaseRuns& base,
                                               const std::vector<SweepBase>& bases,
                                               std::vector<DownstreamRegion> regions,
                                               int64_t group_rows) {
  std::stable_sort(
      regions.begin(), regions.end(),
      [](const DownstreamRegion& a, const DownstreamRegion& b) { return a.layer < b.layer; });
  int64_t rows = 0;
  for (const DownstreamRegion& region : regions) rows += region.rows();
  // Makes the groups similar in size.
  group_rows = rows / ((rows + group_rows - 1) / group_rows) + 1;
  std::vector<std::unique_ptr<Group>> groups;
  for (const DownstreamRegion& region : regions) {
    if (groups.empty() || groups.back()->rows() + region.rows() > group_rows)
      groups.push_back(std::make_unique<Group>(base));
    groups.back()->Append(region, bases[region.work->base]);
  }
  return groups;
}

// The result of a sweep, collected from its passes.
struct Results {
  std::vector<int64_t> rows;  // case -> its first row in the result
  std::vector<at::Tensor> found = {};
  std::vector<int64_t> order = {};  // for each row of `found`, its row in the result
};

Results MakeResults(const std::vector<SweepCase>& cases) {
  Results results;
  int64_t rows = 0;
  for (const SweepCase& c : cases) {
    results.rows.push_back(rows);
    rows += std::max<int64_t>(1, static_cast<int64_t>(c.read.size()));
  }
  return results;
}

// Returns the collected rows in the order of the cases, [read, d_model].
at::Tensor InOrder(const Model& model, const Results& results) {
  if (results.found.empty())
    return at::empty({0, model.config().d_model},
                     at::TensorOptions(at::kFloat).device(model.device()));
  return InRowOrder(at::cat(results.found), results.order);
}

// Runs one pass up the layers. `tick` receives the finished fraction of the pass.
void Ascend(const Model& model, const std::vector<SweepBase>& bases, const Pass& pass,
            int64_t group_rows, const std::function<void(double)>& tick, Results& results) {
  BaseRuns base(model, bases, pass.regions);
  const std::vector<std::unique_ptr<Group>> groups =
      MakeGroups(base, bases, pass.regions, group_rows);
  int64_t work = 0, done = 0;
  for (const DownstreamRegion& region : pass.regions)
    work += region.rows() * (model.layers() - region.layer);
  for (int l = 0; l < model.layers(); ++l) {
    const BaseLayer layer = base.Up(l);
    for (const auto& group : groups) {
      const int64_t rows = group->Up(model, l, layer);
      done += rows;
      if (rows > 0) tick(static_cast<double>(done) / static_cast<double>(work));
    }
  }
  for (const auto& group : groups) {
    group->Join(model.layers(), base.h());
    results.found.push_back(group->Read(results.rows, results.order));
  }
  tick(1);
}

}  // namespace

// The base-run data that the segments read.
struct RepeatedSweep::Kept {
  std::vector<DownstreamRegion> regions;
  BaseRuns base;
  std::vector<BaseLayer> layers;
  int64_t group_rows;
};

RepeatedSweep::RepeatedSweep(const Model& model, std::vector<SweepBase> bases,
                             std::vector<SweepCase> cases, const SweepOptions& options)
    : model_(model), bases_(std::move(bases)), cases_(std::move(cases)) {
  c10::NoGradGuard no_grad;
  std::vector<DownstreamRegion> regions = FindRegions(model, bases_, cases_);
  std::set<int> joins;
  for (const DownstreamRegion& region : regions) joins.insert(region.layer);
  BaseRuns base(model, bases_, regions);
  kept_ = std::make_unique<Kept>(
      Kept{std::move(regions), std::move(base), {}, GroupRows(model, options)});
  for (int l = 0; l < model.layers(); ++l) {
    BaseLayer layer = kept_->base.Up(l);
    if (!joins.contains(l)) layer.h = at::Tensor();
    if (joins.empty() || l < *joins.begin()) layer.carry = {};
    kept_->layers.push_back(std::move(layer));
  }
}

RepeatedSweep::~RepeatedSweep() = default;

at::Tensor RepeatedSweep::operator()(const std::vector<size_t>& cases) const {
  std::vector<DownstreamRegion> regions;
  std::vector<SweepCase> wanted;
  for (size_t i : cases) {
    regions.push_back(kept_->regions[i]);
    regions.back().index = wanted.size();
    wanted.push_back(cases_[i]);
  }
  Results results = MakeResults(wanted);
  for (const auto& group : MakeGroups(kept_->base, bases_, regions, kept_->group_rows)) {
    for (int l = 0; l < model_.layers(); ++l)
      group->Up(model_, l, kept_->layers[static_cast<size_t>(l)]);
    group->Join(model_.layers(), kept_->base.h());
    results.found.push_back(group->Read(results.rows, results.order));
  }
  return InOrder(model_, results);
}

at::Tensor Sweep(const Model& model, const std::vector<SweepBase>& bases,
                 const std::vector<SweepCase>& cases, const SweepOptions& options) {
  const std::vector<Pass> passes = SplitIntoPasses(model, bases, cases, options);
  if (options.planned) options.planned(SummarizePasses(model, bases, passes));
  Results results = MakeResults(cases);
  int64_t done = 0;
  const auto total = static_cast<int64_t>(cases.size());
  for (const Pass& pass : passes) {
    const auto in_pass = static_cast<double>(pass.regions.size());
    const auto tick = [&](double share) {
      if (options.progress) options.progress(done + static_cast<int64_t>(share * in_pass), total);
    };
    const auto first = static_cast<int64_t>(results.found.size()),
               first_row = static_cast<int64_t>(results.order.size());
    Ascend(model, bases, pass, GroupRows(model, options), tick, results);
    if (options.found) {
      const std::vector<at::Tensor> states(results.found.begin() + first, results.found.end());
      options.found({results.order.begin() + first_row, results.order.end()}, at::cat(states));
    }
    done += static_cast<int64_t>(pass.regions.size());
  }
  return InOrder(model, results);
}

}  // namespace mambascope
