#include "mambascope/intervene/run.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "mambascope/error.h"
#include "mambascope/intervene/check.h"
#include "mambascope/intervene/cuts.h"
#include "mambascope/model/ops.h"

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
        Overload{[&](const Set& s) {
                   return s.at.place() == place ? x.index_copy(0, row(s.at), value(s.value)) : x;
                 },
                 [&](const Add& a) {
                   return a.at.place() == place ? x.index_add(0, row(a.at), value(a.delta)) : x;
                 },
                 [&](const Hold& h) {
                   return h.at.place() == place
                              ? x.index_copy(0, row(h.at),
                                             value(base_.at(place)[begin + h.at.token]))
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

}  // namespace

at::Tensor RunResult::LastLogits() const {
  at::Tensor logits = model_->Unembed(h_.index_select(0, RowIndex(packing_.LastRows(), h_)));
  RequireFinite(logits, "a logit");
  return logits;
}

RunResult Run(const Model& model, const std::vector<std::vector<int64_t>>& prompts,
              const RunOptions& options) {
  CheckPrompts(prompts);
  std::vector<int64_t> ids, lengths;
  for (const std::vector<int64_t>& prompt : prompts) {
    ids.insert(ids.end(), prompt.begin(), prompt.end());
    lengths.push_back(static_cast<int64_t>(prompt.size()));
  }
  std::vector<Variant> variants(prompts.size());
  for (const std::vector<Variant>* part : {&options.base, &options.variants}) {
    if (!part->empty() && part->size() != prompts.size())
      throw Error("expected one variant per prompt, or none");
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
  for (const Place& place : options.keep) {
    CheckPlace(model, place);
    result.states_[place] = at::Tensor();
  }
  RunHooks hooks(result.packing_, variants, base, result.states_);
  result.model_ = &model;
  result.h_ = model.Forward(ids, result.packing_, &hooks);
  return result;
}

}  // namespace mambascope
