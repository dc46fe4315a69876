#include "mambascope/intervene/token_states.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "mambascope/model/kernels/batch_sizes.h"

namespace mambascope {
namespace {

// Keeps the states at the last row of every segment.
class LastRows : public Hooks {
 public:
  LastRows(const Packing& packing, const std::set<Place>& places)
      : rows_(packing.LastRows()), places_(places) {}
  at::Tensor At(const Place& place, const at::Tensor& x) override {
    if (places_.contains(place)) states_[place] = x.index_select(0, RowIndex(rows_, x));
    return x;
  }
  bool Acts(const Place& place) const override { return places_.contains(place); }
  const std::map<Place, at::Tensor>& states() const { return states_; }

 private:
  const std::vector<int64_t> rows_;
  const std::set<Place>& places_;
  std::map<Place, at::Tensor> states_;
};

// Length of the prefix that all prompts share, at most up to the first of their tokens. 0 for a
// single prompt.
int64_t CommonTokens(const std::vector<PromptToken>& prompts) {
  if (prompts.size() < 2) return 0;
  const std::vector<int64_t>& ids = prompts[0].ids;
  int64_t common = prompts[0].token;
  for (const PromptToken& prompt : prompts) {
    const auto end = ids.begin() + std::min(common, prompt.token);
    common = std::mismatch(ids.begin(), end, prompt.ids.begin()).first - ids.begin();
  }
  return common;
}

}  // namespace

std::map<Place, at::Tensor> TokenStates(const Model& model, const std::vector<PromptToken>& prompts,
                                        const std::set<Place>& places) {
  c10::NoGradGuard no_grad;
  int top = kEmbedLayer;
  for (const Place& place : places) top = std::max(top, place.layer);
  std::map<Place, std::vector<at::Tensor>> parts;
  const int64_t common = CommonTokens(prompts);
  std::vector<Carry> carries;
  if (common > 0)
    carries = model.CarriesAfter(std::span(prompts[0].ids).first(static_cast<size_t>(common)), top);
  for (size_t i = 0; i < prompts.size();) {
    std::vector<int64_t> ids;
    Packing packing;
    for (; i < prompts.size() &&
           (ids.empty() || packing.rows() + prompts[i].token - common < kStateRows);
         ++i) {
      packing.segments.push_back(
          {packing.rows(), prompts[i].token + 1 - common, common, common > 0 ? 0 : -1});
      ids.insert(ids.end(), prompts[i].ids.begin() + common,
                 prompts[i].ids.begin() + prompts[i].token + 1);
    }
    LastRows hooks(packing, places);
    model.Forward(ids, packing, &hooks, common > 0 ? &carries : nullptr, nullptr, top);
    for (const auto& [place, states] : hooks.states()) parts[place].push_back(states);
  }
  std::map<Place, at::Tensor> states;
  for (const auto& [place, some] : parts) states[place] = at::cat(some);
  return states;
}

}  // namespace mambascope
