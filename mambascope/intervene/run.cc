#include "mambascope/intervene/run.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "mambascope/error.h"
#include "mambascope/intervene/check.h"
#include "mambascope/intervene/cuts.h"
#include "mambascope/memory.h"
#include "mambascope/model/kernels/batch_sizes.h"
#include "mambascope/model/ops.h"
#include "mambascope/plural.h"

namespace mambascope {
namespace {

// Applies every prompt's interventions to its rows, and keeps the requested states.
class RunHooks : public Hooks {
 public:
  RunHooks(const Packing& packing, const std::vector<Variant>& variants,
           const std::map<Place, at::Tensor>& base, std::map<Place, at::Tensor>& kept)
      : packing_(packing), variants_(variants), base_(base), kept_(kept) {}

  at::Tensor At(const Place& place, const at::Tensor& x) override {
    at::Tensor y = x;
    for (size_t i = 0; i < variants_.size(); ++i) {
      for (const Intervention& intervention : variants_[i])
        y = Apply(intervention, place, packing_.segments[i].begin, y);
    }
    if (const auto keep = kept_.find(place); keep != kept_.end()) keep->second = y;
    return y;
  }

  std::vector<RowCut> Cuts(int layer) override {
    std::vector<RowCut> cuts;
    for (size_t i = 0; i < variants_.size(); ++i) {
      const Segment& segment = packing_.segments[i];
      for (CutTokens& cut : CutsAt(layer, {&variants_[i]}, 0, segment.length))
        cuts.push_back(OnRows(std::move(cut), i, segment.begin));
    }
    return cuts;
  }

 private:
  at::Tensor Apply(const Intervention& intervention, const Place& place, int64_t begin,
                   const at::Tensor& x) const {
    const auto row = [&](const StateId& at) {
      return at::full({1}, begin + at.token, at::TensorOptions(at::kLong).device(x.device()));
    };
    const auto value = [&](const at::Tensor& v) { return v.to(x.options()).unsqueeze(0); };
    return std::visit(
        Overload{
            [&](const Set& s) {
              return s.at.place() == place ? x.index_copy(0, row(s.at), value(s.value.tensor()))
                                           : x;
            },
            [&](const Add& a) {
              return a.at.place() == place ? x.index_add(0, row(a.at), value(a.delta)) : x;
            },
            [&](const Hold& h) {
              return h.at.place() == place
                         ? x.index_copy(0, row(h.at), value(base_.at(place)[begin + h.at.token]))
                         : x;
            },
            [&](const Cut&) { return x; }},
        intervention);
  }

  const Packing& packing_;
  const std::vector<Variant>& variants_;
  const std::map<Place, at::Tensor>& base_;
  std::map<Place, at::Tensor>& kept_;
};

std::vector<Place> HeldPlaces(const std::vector<Variant>& variants) {
  std::vector<Place> places;
  for (const Variant& variant : variants) {
    for (const Intervention& intervention : variant) {
      if (const auto* hold = std::get_if<Hold>(&intervention)) places.push_back(hold->at.place());
    }
  }
  return places;
}

std::vector<int64_t> Lengths(const std::vector<std::vector<int64_t>>& prompts) {
  std::vector<int64_t> lengths;
  for (const std::vector<int64_t>& prompt : prompts)
    lengths.push_back(static_cast<int64_t>(prompt.size()));
  return lengths;
}

// Splits the prompts into groups that go up the layers together, and returns the end of each.
// Throws Error for a prompt that takes more than is allowed.
std::vector<size_t> GroupEnds(const Model& model, const std::vector<int64_t>& lengths,
                              const RunOptions& options) {
  int64_t kept_row = model.config().d_model;  // floats
  for (const Place& place : options.keep) kept_row += model.width(place);
  int64_t kept = 0;  // bytes
  for (const int64_t length : lengths) kept += length * kept_row * kFloatBytes;
  const int64_t memory = options.memory.value_or(kDefaultMemory);
  std::vector<size_t> ends;
  int64_t rows = 0, longest = 0;
  for (size_t i = 0; i < lengths.size(); ++i) {
    const int64_t alone = kept + model.PassBytes(lengths[i], lengths[i]);
    if (options.memory && alone > memory)
      throw Error(fmt::format("a run of a prompt of {} takes about {} of memory; {} are allowed",
                              Count(lengths[i], "token"), BytesText(alone), BytesText(memory)),
                  "allow more with --memory");
    rows += lengths[i];
    longest = std::max(longest, lengths[i]);
    if (i > 0 && kept + model.PassBytes(rows, longest) > memory) {
      ends.push_back(i);
      rows = longest = lengths[i];
    }
  }
  ends.push_back(lengths.size());
  return ends;
}

}  // namespace

at::Tensor RunResult::LastLogits() const {
  at::Tensor logits = model_->Unembed(h_.index_select(0, RowIndex(packing_.LastRows(), h_)));
  RequireFinite(logits, "a logit");
  return logits;
}

RunResult RunTogether(const Model& model, const std::vector<std::vector<int64_t>>& prompts,
                      const RunOptions& options) {
  std::vector<int64_t> ids;
  for (const std::vector<int64_t>& prompt : prompts)
    ids.insert(ids.end(), prompt.begin(), prompt.end());
  const std::vector<int64_t> lengths = Lengths(prompts);
  std::vector<Variant> variants(prompts.size());
  for (const std::vector<Variant>* part : {&options.base, &options.variants}) {
    for (size_t i = 0; i < part->size(); ++i)
      variants[i].insert(variants[i].end(), (*part)[i].begin(), (*part)[i].end());
  }
  for (size_t i = 0; i < prompts.size(); ++i) CheckVariant(model, variants[i], lengths[i]);
  for (size_t i = 0; i < options.base.size(); ++i) CheckBase(model, options.base[i], lengths[i]);
  std::map<Place, at::Tensor> base;
  if (const std::vector<Place> held = HeldPlaces(variants); !held.empty())
    base = Run(model, prompts, {.variants = options.base, .keep = held}).states_;

  RunResult result;
  result.packing_ = Packing::Whole(lengths);
  for (const Place& place : options.keep) result.states_[place] = at::Tensor();
  RunHooks hooks(result.packing_, variants, base, result.states_);
  result.model_ = &model;
  result.h_ = model.Forward(ids, result.packing_, &hooks);
  return result;
}

RunResult Run(const Model& model, const std::vector<std::vector<int64_t>>& prompts,
              const RunOptions& options) {
  CheckPrompts(prompts);
  for (const std::vector<Variant>* part : {&options.base, &options.variants}) {
    if (!part->empty() && part->size() != prompts.size())
      throw Error("expected one variant per prompt, or none");
  }
  for (const Place& place : options.keep) CheckPlace(model, place);
  const std::vector<size_t> ends = GroupEnds(model, Lengths(prompts), options);
  if (ends.size() == 1) return RunTogether(model, prompts, options);
  const auto part = [&](const auto& all, size_t first, size_t end) {
    return all.empty() ? all
                       : std::decay_t<decltype(all)>(all.begin() + static_cast<int64_t>(first),
                                                     all.begin() + static_cast<int64_t>(end));
  };
  std::vector<at::Tensor> h;
  std::map<Place, std::vector<at::Tensor>> states;
  size_t first = 0;
  for (const size_t end : ends) {
    RunResult group = RunTogether(model, part(prompts, first, end),
                                  {.variants = part(options.variants, first, end),
                                   .keep = options.keep,
                                   .base = part(options.base, first, end)});
    h.push_back(group.h_);
    for (auto& [place, rows] : group.states_) states[place].push_back(std::move(rows));
    first = end;
  }
  RunResult result;
  result.model_ = &model;
  result.packing_ = Packing::Whole(Lengths(prompts));
  result.h_ = at::cat(h);
  for (auto& [place, rows] : states) {
    result.states_[place] = at::cat(rows);
    rows.clear();
  }
  return result;
}

}  // namespace mambascope
