#include "mambascope/model/shared_forward.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace mambascope {
namespace {

using Sequence = std::vector<int64_t>;

// The place where the last token of a prefix is computed.
struct Spot {
  size_t wave;
  int64_t row;
  auto operator<=>(const Spot&) const = default;
};

struct Wave {
  std::vector<int64_t> ids;
  Packing packing;
  // For each segment, the row of the previous wave from which it continues.
  std::vector<int64_t> parents;
};

// The prefix tree of some sequences.
class Tree {
 public:
  explicit Tree(size_t waves) : waves_(waves) {}

  // Adds `sequence` and returns the spots of all its tokens. REQUIRES: sequences are added in
  // descending order. Then sequences with a common prefix are neighbours, and a sequence that is a
  // prefix of another comes after it.
  const std::vector<Spot>& Add(const Sequence& sequence) {
    size_t begin = static_cast<size_t>(
        std::mismatch(sequence.begin(), sequence.end(), last_.begin(), last_.end()).first -
        sequence.begin());
    last_ = sequence;
    if (begin == sequence.size()) {
      path_.resize(begin);
      return path_;
    }
    while (begin > 0 && path_[begin - 1].wave + 1 >= waves_.size()) --begin;
    path_.resize(begin);
    const size_t wave = begin == 0 ? 0 : path_.back().wave + 1;
    Wave& w = waves_[wave];
    w.parents.push_back(begin == 0 ? -1 : path_.back().row);
    w.packing.segments.push_back({.begin = w.packing.rows(),
                                  .length = static_cast<int64_t>(sequence.size() - begin),
                                  .position = static_cast<int64_t>(begin)});
    for (size_t i = begin; i < sequence.size(); ++i) {
      path_.push_back({wave, static_cast<int64_t>(w.ids.size())});
      w.ids.push_back(sequence[i]);
    }
    return path_;
  }

  int64_t rows() const {
    return std::accumulate(waves_.begin(), waves_.end(), int64_t{0},
                           [](int64_t sum, const Wave& w) { return sum + w.packing.rows(); });
  }

  // Returns the last block's output for each wave, [row, d_model].
  std::vector<at::Tensor> Forward(const Model& model) {
    Link();
    std::vector<at::Tensor> h;
    for (Wave& wave : waves_) {
      if (wave.ids.empty()) continue;
      wave.packing.embedding = model.Embed(wave.ids, wave.packing);
      h.push_back(wave.packing.embedding);
    }
    Hooks no_hooks;
    for (int l = 0; l < model.layers(); ++l) {
      Carry from;
      for (size_t w = 0; w < h.size(); ++w) {
        Carry kept;
        h[w] = model.layer(l).Forward(h[w], waves_[w].packing, from, kept, {no_hooks, l});
        from = std::move(kept);
      }
    }
    return h;
  }

 private:
  // Sets the rows that keep their carry and the slot from which each segment continues.
  void Link() {
    for (size_t w = 1; w < waves_.size(); ++w) {
      const std::set<int64_t> parents(waves_[w].parents.begin(), waves_[w].parents.end());
      std::vector<int64_t>& kept = waves_[w - 1].packing.kept;
      kept.assign(parents.begin(), parents.end());
      for (size_t i = 0; i < waves_[w].parents.size(); ++i) {
        waves_[w].packing.segments[i].carry =
            std::lower_bound(kept.begin(), kept.end(), waves_[w].parents[i]) - kept.begin();
      }
    }
  }

  std::vector<Wave> waves_;
  Sequence last_;
  std::vector<Spot> path_;  // spots of the last sequence's tokens
};

// Gathers the requested rows, batch by batch.
class Gather {
 public:
  Gather(const std::vector<SequenceToken>& tokens, size_t sequences)
      : tokens_(tokens), by_sequence_(sequences) {
    result_.row.resize(tokens.size());
    for (size_t i = 0; i < tokens.size(); ++i) by_sequence_[tokens[i].sequence].push_back(i);
  }
  void Add(size_t sequence, const std::vector<Spot>& spots) {
    for (size_t i : by_sequence_[sequence])
      wanted_[spots.at(static_cast<size_t>(tokens_[i].token))].push_back(i);
  }
  // Takes the rows requested since the last call from the outputs of the waves.
  void Take(const std::vector<at::Tensor>& h) {
    std::vector<std::vector<int64_t>> rows(h.size());
    for (const auto& [spot, asked] : wanted_) {
      for (size_t i : asked) result_.row[i] = count_;
      rows[spot.wave].push_back(spot.row);
      ++count_;
    }
    for (size_t w = 0; w < h.size(); ++w)
      parts_.push_back(h[w].index_select(0, RowIndex(rows[w], h[w])));
    wanted_.clear();
  }
  SharedForwardResult Result() {
    if (!parts_.empty()) result_.h = at::cat(parts_);
    return std::move(result_);
  }

 private:
  const std::vector<SequenceToken>& tokens_;
  std::vector<std::vector<size_t>> by_sequence_;
  std::map<Spot, std::vector<size_t>> wanted_;  // ordered by wave, then by row
  std::vector<at::Tensor> parts_;
  int64_t count_ = 0;
  SharedForwardResult result_;
};

}  // namespace

SharedForwardResult ForwardShared(const Model& model, const std::vector<Sequence>& sequences,
                                  const std::vector<SequenceToken>& tokens,
                                  const SharedForwardOptions& options) {
  std::vector<size_t> order(sequences.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return sequences[a] > sequences[b]; });
  Gather gather(tokens, sequences.size());
  SharedForwardWork work{.total = static_cast<int64_t>(sequences.size())};
  for (auto next = order.begin(); next != order.end();) {
    Tree tree(static_cast<size_t>(options.waves));
    for (; next != order.end() && tree.rows() < options.batch_rows; ++next) {
      gather.Add(*next, tree.Add(sequences[*next]));
      work.naive_rows += static_cast<int64_t>(sequences[*next].size());
    }
    gather.Take(tree.Forward(model));
    work.rows += tree.rows();
    work.done = next - order.begin();
    if (options.progress) options.progress(work);
  }
  return gather.Result();
}

}  // namespace mambascope
