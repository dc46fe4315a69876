#include "mambascope/experiments/token_states.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

namespace mambascope {
namespace {

// Rows that go up together: enough for the matrix products, few enough for the caches.
constexpr int64_t kRows = 2048;

// Keeps the last row of every segment.
class LastRows : public Hooks {
 public:
  LastRows(const Packing& packing, const std::set<Place>& places) : rows_(packing.LastRows()), places_(places) {}
  at::Tensor At(const Place& place, const at::Tensor& x) override {
    if (places_.contains(place)) states_[place] = x.index_select(0, RowIndex(rows_, x));
    return x;
  }
  const std::map<Place, at::Tensor>& states() const { return states_; }

 private:
  const std::vector<int64_t> rows_;
  const std::set<Place>& places_;
  std::map<Place, at::Tensor> states_;
};

}  // namespace

std::map<Place, at::Tensor> TokenStates(const Model& model, const std::vector<PromptToken>& prompts, const std::set<Place>& places) {
  c10::NoGradGuard no_grad;
  int top = kEmbedLayer;
  for (const Place& place : places) top = std::max(top, place.layer);
  std::map<Place, std::vector<at::Tensor>> parts;
  for (size_t i = 0; i < prompts.size();) {
    std::vector<int64_t> ids, lengths;
    for (; i < prompts.size() && (ids.empty() || static_cast<int64_t>(ids.size()) + prompts[i].token < kRows); ++i) {
      ids.insert(ids.end(), prompts[i].ids.begin(), prompts[i].ids.begin() + prompts[i].token + 1);
      lengths.push_back(prompts[i].token + 1);
    }
    const Packing packing = Packing::Whole(lengths);
    LastRows hooks(packing, places);
    model.Forward(ids, packing, &hooks, nullptr, nullptr, top);
    for (const auto& [place, states] : hooks.states()) parts[place].push_back(states);
  }
  std::map<Place, at::Tensor> states;
  for (const auto& [place, some] : parts) states[place] = at::cat(some);
  return states;
}

}  // namespace mambascope
