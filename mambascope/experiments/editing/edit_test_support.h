// Edited records for tests: a few with numbers worked out by hand, and many with realistic numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "mambascope/experiments/editing/edit_result.h"

namespace mambascope {

inline EditScores MakeScores(double es, double ps, double ns) {
  return {.rewrite = {.success = es, .magnitude = 0.25, .accuracy = 1},
          .paraphrase = {.success = ps, .magnitude = -0.5, .accuracy = 0.5},
          .neighborhood = {.success = ns, .magnitude = 0.125, .accuracy = 0}};
}

inline RecordEdit MakeEdit(const std::string& projection, int layer, const EditScores& scores) {
  return {.layer = layer,
          .projection = projection,
          .steps = 10,
          .loss = 0.04,
          .p = 0.9,
          .stopped = "loss",
          .change_norm = 1.5,
          .weight_norm = 30,
          .seconds = 0.25,
          .scores = scores};
}

inline EditRecord MakeRecord(int case_id) {
  return {.case_id = case_id,
          .relation = "composer",
          .prompt = "The composer of {} was",
          .subject = "Tosca",
          .target_new = "Bach",
          .target_true = "Verdi",
          .digest = "0123"};
}

// ES, PS and NS of W_o at layer 2 are 75 percent each. PS + NS is 150 percent in each of the four
// records.
inline std::vector<RecordResult> SmallSweepRecords() {
  const std::vector<double> es = {1, 1, 1, 0}, ps = {0.5, 1, 0.5, 1}, ns = {1, 0.5, 1, 0.5};
  std::vector<RecordResult> records;
  for (size_t r = 0; r < 4; ++r) {
    std::vector<RecordEdit> edits = {MakeEdit("W_o", 10, MakeScores(1, 0.25, 1)),
                                     MakeEdit("W_o", 2, MakeScores(es[r], ps[r], ns[r])),
                                     MakeEdit("W_a", 2, MakeScores(0, 0.5, 0.5))};
    if (r > 0) std::reverse(edits.begin(), edits.end());
    records.push_back(
        {MakeRecord(static_cast<int>(r)), MakeScores(0, 0.25, r < 2 ? 1 : 0.5), edits});
  }
  return records;
}

// Shares as in a 16-layer model: W_o is good early, W_a in the middle, and W_g fails from the
// middle on. Edits at the last layer do nothing.
inline std::vector<RecordResult> RealisticSweepRecords(int layers, int count) {
  std::mt19937 random(7);
  auto share = [&](double p, int prompts) {
    return std::binomial_distribution<int>(prompts, std::clamp(p, 0.0, 1.0))(random) /
           double(prompts);
  };
  std::vector<RecordResult> records;
  for (int r = 0; r < count; ++r) {
    std::vector<RecordEdit> edits;
    for (const std::string projection : {"W_a", "W_g", "W_o"}) {
      for (int l = 0; l < layers; ++l) {
        const double depth = double(l) / (layers - 1),
                     reach = depth > 0.95 ? 0 : 1 - std::pow(depth, projection == "W_a" ? 8 : 4);
        const double fade = projection == "W_g" ? std::clamp(1.6 - 2 * depth, 0.1, 1.0) : 1;
        const double general = projection == "W_a" ? 0.5 + std::min(0.45, depth) : 0.93;
        const double es = share(0.02 + 0.98 * reach * fade, 1),
                     ps = share(0.07 + 0.9 * reach * fade * general, 2);
        const double ns = share(0.89 - (projection == "W_g" ? 0.02 : 0.25) * depth * reach, 10);
        RecordEdit edit = MakeEdit(projection, l, MakeScores(es, ps, ns));
        edit.steps = static_cast<int64_t>(8 + 12 * depth) + std::lround(share(0.5, 3) * 3);
        edit.change_norm = 0.5 + 6 * depth * depth + 0.2 * share(0.5, 5);
        edits.push_back(edit);
      }
    }
    records.push_back(
        {MakeRecord(r), MakeScores(share(0.05, 1), share(0.12, 2), share(0.9, 10)), edits});
  }
  return records;
}

}  // namespace mambascope
