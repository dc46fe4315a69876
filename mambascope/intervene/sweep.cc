#include "mambascope/intervene/sweep.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "mambascope/error.h"
#include "mambascope/intervene/check.h"

namespace mambascope {
namespace {

using Bases = std::vector<std::vector<int64_t>>;

// Where a variant leaves its base run: the layer at which its segment joins, and the segment's first token.
struct Cone {
  int layer;
  int64_t token;
};

// The layer that computes with a changed state first: its own, or the next one for the output of a block and for the embedding.
int FirstLayer(const StateId& at) { return at.site == Site::kResid || at.site == Site::kEmbed ? at.layer + 1 : at.layer; }

// A Hold changes nothing by itself.
Cone ConeOf(const Variant& variant, int layers, int64_t tokens) {
  Cone cone{layers, tokens - 1};
  const auto widen = [&](int layer, int64_t token) { cone = {std::min(cone.layer, layer), std::min(cone.token, token)}; };
  const auto state = [&](const StateId& at) { widen(FirstLayer(at), at.token); };
  for (const Intervention& intervention : variant) {
    if (const auto* set = std::get_if<Set>(&intervention)) state(set->at);
    if (const auto* add = std::get_if<Add>(&intervention)) state(add->at);
    const auto* cut = std::get_if<Cut>(&intervention);
    if (cut == nullptr || cut->to.empty() || cut->from.empty()) continue;
    // The sources must be in the segment too, since what they wrote is mixed into the carry.
    for (const auto* list : {&cut->from, &cut->to}) widen(cut->layer, *std::min_element(list->begin(), list->end()));
  }
  return cone;
}

// A case's segment in one pass.
struct Member {
  const SweepCase* work;
  size_t result;  // row of the result
  Cone cone;
  int64_t tokens;  // of the prompt
  int64_t rows() const { return tokens - cone.token; }
};

// One pass: members ordered by the layer at which they join, so that the batch only grows at its end.
struct Pass {
  std::vector<Member> members;
  int64_t rows = 0;
};

// About how many bytes one row of the batch takes while a layer computes it.
int64_t BytesPerRow(const Config& c) {
  const int64_t widths = 6 * c.d_model + 10 * c.ssm.d_inner + 4 * c.attention.heads * c.attention.head_dim + 4 * c.mlp.width;
  return widths * static_cast<int64_t>(sizeof(float));
}

std::vector<Pass> Split(const Model& model, const Bases& bases, const std::vector<SweepCase>& cases, const SweepOptions& options) {
  const int64_t most_rows = std::max<int64_t>(1, options.memory / BytesPerRow(model.config()));
  std::vector<Pass> passes;
  for (size_t i = 0; i < cases.size(); ++i) {
    const auto tokens = static_cast<int64_t>(bases.at(cases[i].base).size());
    const Member member{&cases[i], i, ConeOf(cases[i].variant, model.layers(), tokens), tokens};
    if (passes.empty() || passes.back().rows + member.rows() > most_rows) passes.emplace_back();
    passes.back().members.push_back(member);
    passes.back().rows += member.rows();
  }
  for (Pass& pass : passes) {
    std::stable_sort(pass.members.begin(), pass.members.end(),
                     [](const Member& a, const Member& b) { return a.cone.layer < b.cone.layer; });
  }
  return passes;
}

// One change of one packed row. Changes of the same row keep their order by their rounds.
struct Change {
  int64_t row;
  at::Tensor value;      // [width]; undefined: the base run's
  int64_t base_row = 0;  // where that is
  bool adds = false;
};

// All changes at one place: changes[round], each round with at most one change of a row.
using Rounds = std::vector<std::vector<Change>>;

at::Tensor Rows(const std::vector<int64_t>& rows, const at::Tensor& like) { return at::tensor(rows, at::kLong).to(like.device()); }

// x with the changes of one round whose rows lie in [begin, begin + x's rows); `base` are the base runs' states at the same place.
at::Tensor Apply(const std::vector<Change>& round, int64_t begin, const at::Tensor& base, at::Tensor x) {
  std::vector<int64_t> set_rows, add_rows, held_rows, held_from;
  std::vector<at::Tensor> values, deltas;
  for (const Change& c : round) {
    const int64_t row = c.row - begin;
    if (row < 0 || row >= x.size(0)) continue;
    if (!c.value.defined()) {
      held_rows.push_back(row);
      held_from.push_back(c.base_row);
    } else {
      (c.adds ? add_rows : set_rows).push_back(row);
      (c.adds ? deltas : values).push_back(c.value);
    }
  }
  if (!set_rows.empty()) x = x.index_copy(0, Rows(set_rows, x), at::stack(values).to(x.options()));
  if (!add_rows.empty()) x = x.index_add(0, Rows(add_rows, x), at::stack(deltas).to(x.options()));
  if (!held_rows.empty()) x = x.index_copy(0, Rows(held_rows, x), base.index_select(0, Rows(held_from, x)));
  return x;
}

// The base runs' states at the places that some variant holds.
class BaseHooks : public Hooks {
 public:
  explicit BaseHooks(const std::map<Place, Rounds>& changes) : changes_(changes) {}
  at::Tensor At(const Place& place, const at::Tensor& x) override {
    if (changes_.contains(place)) seen_[place] = x;
    return x;
  }
  at::Tensor Take(const Place& place) { return seen_.contains(place) ? std::move(seen_.extract(place).mapped()) : at::Tensor(); }

 private:
  const std::map<Place, Rounds>& changes_;
  std::map<Place, at::Tensor> seen_;
};

class SegmentHooks : public Hooks {
 public:
  SegmentHooks(const std::map<Place, Rounds>& changes, const std::map<int, std::vector<RowCut>>& cuts, BaseHooks& base)
      : changes_(changes), cuts_(cuts), base_(base) {}
  at::Tensor At(const Place& place, const at::Tensor& x) override { return Changed(place, 0, base_.Take(place), x); }
  at::Tensor Changed(const Place& place, int64_t begin, const at::Tensor& base, at::Tensor x) const {
    const auto found = changes_.find(place);
    if (found == changes_.end()) return x;
    for (const auto& round : found->second) x = Apply(round, begin, base, x);
    return x;
  }
  std::vector<RowCut> Cuts(int layer) override { return cuts_.contains(layer) ? cuts_.at(layer) : std::vector<RowCut>(); }

 private:
  const std::map<Place, Rounds>& changes_;
  const std::map<int, std::vector<RowCut>>& cuts_;
  BaseHooks& base_;
};

// One pass up the layers.
class Ascent {
 public:
  Ascent(const Model& model, const Bases& bases, const Pass& pass) : model_(model), pass_(pass) {
    std::vector<int64_t> lengths;
    std::map<size_t, size_t> base_of;  // base -> its segment of the packed base runs
    for (const Member& m : pass.members) {
      const size_t base = m.work->base;
      if (!base_of.emplace(base, lengths.size()).second) continue;
      lengths.push_back(static_cast<int64_t>(bases[base].size()));
      base_ids_.insert(base_ids_.end(), bases[base].begin(), bases[base].end());
    }
    base_ = Packing::Whole(lengths);
    std::set<int64_t> kept;
    for (const Member& m : pass.members) {
      base_row_.push_back(base_.segments[base_of[m.work->base]].begin);
      if (m.cone.token > 0) kept.insert(base_row_.back() + m.cone.token - 1);
    }
    base_.kept.assign(kept.begin(), kept.end());
    for (size_t i = 0; i < pass.members.size(); ++i) AddMember(i);
  }

  // [member, d_model], in the order of the pass.
  at::Tensor Up(const std::function<void(int)>& layer_done) {
    BaseHooks base_hooks(changes_);
    SegmentHooks hooks(changes_, cuts_, base_hooks);
    at::Tensor base_h = model_.Embed(base_ids_, base_), h = at::empty({0, base_h.size(1)}, base_h.options());
    Place below{Site::kEmbed, kEmbedLayer};
    for (int l = 0; l < model_.layers(); ++l) {
      h = Join(l, below, base_h, h, hooks);
      Carry carry;
      base_h = model_.layer(l).Forward(base_h, base_, {}, carry, {base_hooks, l});
      Carry dropped;
      if (h.size(0) > 0) h = model_.layer(l).Forward(h, active_, carry, dropped, {hooks, l});
      below = {Site::kResid, l};
      layer_done(l);
    }
    h = Join(model_.layers(), below, base_h, h, hooks);
    return h.index_select(0, Rows(active_.LastRows(), h));
  }

 private:
  void AddMember(size_t i) {
    const Member& m = pass_.members[i];
    const int64_t begin = all_.rows(), shift = begin - m.cone.token;
    const auto slot = std::lower_bound(base_.kept.begin(), base_.kept.end(), base_row_[i] + m.cone.token - 1) - base_.kept.begin();
    all_.segments.push_back({begin, m.rows(), m.cone.token, m.cone.token == 0 ? -1 : slot});
    std::map<Place, std::map<int64_t, size_t>> round;  // how often a row was changed at a place
    const auto change = [&](const StateId& at, Change c) {
      if (at.token < m.cone.token || FirstLayer(at) < m.cone.layer) return;  // a Hold where the variant still is its base run
      c.row = at.token + shift;
      const size_t n = round[at.place()][c.row]++;
      Rounds& rounds = changes_[at.place()];
      if (rounds.size() <= n) rounds.resize(n + 1);
      rounds[n].push_back(std::move(c));
    };
    for (const Intervention& intervention : m.work->variant) {
      if (const auto* s = std::get_if<Set>(&intervention)) change(s->at, {.row = 0, .value = s->value});
      if (const auto* a = std::get_if<Add>(&intervention)) change(a->at, {.row = 0, .value = a->delta, .adds = true});
      if (const auto* hold = std::get_if<Hold>(&intervention))
        change(hold->at, {.row = 0, .value = {}, .base_row = base_row_[i] + hold->at.token});
      if (const auto* cut = std::get_if<Cut>(&intervention); cut != nullptr && !cut->from.empty() && !cut->to.empty()) {
        RowCut rows{cut->from, cut->to, cut->channels};
        for (auto* list : {&rows.from, &rows.to}) {
          for (int64_t& row : *list) row += shift;
        }
        cuts_[cut->layer].push_back(std::move(rows));
      }
    }
  }

  // h with the rows of the members that join at `layer`: the base runs' residual there, with their changes at the place `below` the layer.
  at::Tensor Join(int layer, const Place& below, const at::Tensor& base_h, const at::Tensor& h, const SegmentHooks& hooks) {
    std::vector<int64_t> rows;
    for (; joined_ < pass_.members.size() && pass_.members[joined_].cone.layer == layer; ++joined_) {
      const Member& m = pass_.members[joined_];
      active_.segments.push_back(all_.segments[joined_]);
      for (int64_t t = m.cone.token; t < m.tokens; ++t) rows.push_back(base_row_[joined_] + t);
    }
    if (rows.empty()) return h;
    return at::cat({h, hooks.Changed(below, h.size(0), base_h, base_h.index_select(0, Rows(rows, h)))});
  }

  const Model& model_;
  const Pass& pass_;
  std::vector<int64_t> base_ids_;
  Packing base_;                   // the base runs that the pass needs, as whole prompts
  std::vector<int64_t> base_row_;  // member -> first row of its base run
  Packing all_, active_;           // every member's segment; those that have joined
  size_t joined_ = 0;
  std::map<Place, Rounds> changes_;
  std::map<int, std::vector<RowCut>> cuts_;
};

}  // namespace

SweepPlan PlanSweep(const Model& model, const Bases& bases, const std::vector<SweepCase>& cases, const SweepOptions& options) {
  SweepPlan plan{.cases = static_cast<int64_t>(cases.size())};
  for (const Pass& pass : Split(model, bases, cases, options)) {
    std::set<size_t> used;
    for (const Member& m : pass.members) {
      plan.layer_tokens += m.rows() * (model.layers() - m.cone.layer);
      plan.naive_layer_tokens += m.tokens * model.layers();
      if (used.insert(m.work->base).second) plan.layer_tokens += m.tokens * model.layers();
    }
    plan.peak_rows = std::max(plan.peak_rows, pass.rows);
    ++plan.passes;
  }
  return plan;
}

at::Tensor Sweep(const Model& model, const Bases& bases, const std::vector<SweepCase>& cases, const SweepOptions& options) {
  CheckPrompts(bases);
  for (const SweepCase& c : cases) {
    if (c.base >= bases.size()) throw Error(fmt::format("a case names base run {} of {}", c.base, bases.size()));
    CheckVariant(model, c.variant, static_cast<int64_t>(bases[c.base].size()));
  }
  std::vector<at::Tensor> last;
  std::vector<int64_t> order(cases.size());  // case -> its row of the concatenated passes
  int64_t done = 0;
  for (const Pass& pass : Split(model, bases, cases, options)) {
    const auto members = static_cast<int64_t>(pass.members.size());
    last.push_back(Ascent(model, bases, pass).Up([&](int layer) {
      if (options.progress) options.progress(done + members * (layer + 1) / model.layers(), static_cast<int64_t>(cases.size()));
    }));
    for (const Member& m : pass.members) order[m.result] = done++;
  }
  if (last.empty()) return at::empty({0, model.config().d_model});
  return at::cat(last).index_select(0, Rows(order, last[0]));
}

at::Tensor AnswerProbabilities(const Model& model, const at::Tensor& last, const std::vector<int64_t>& ids) {
  const int64_t some = std::max<int64_t>(1, (int64_t{64} << 20) / model.config().vocab);  // a quarter of a GB of logits
  std::vector<at::Tensor> p;
  for (int64_t begin = 0; begin < last.size(0); begin += some) {
    const int64_t n = std::min(some, last.size(0) - begin);
    const at::Tensor answers = Rows({ids.begin() + begin, ids.begin() + begin + n}, last).unsqueeze(1);
    p.push_back(model.Unembed(last.narrow(0, begin, n)).log_softmax(1).gather(1, answers).squeeze(1).exp());
  }
  return p.empty() ? last.new_empty({0}) : at::cat(p);
}

}  // namespace mambascope
