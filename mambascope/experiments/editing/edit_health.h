// What edits did to a model as a whole, whatever became of the facts: edits that change a weight by
// much, or that are made one after the other, can leave a model that no longer speaks (Gupta et al.
// 2024, "Model Editing at Scale leads to Gradual and Catastrophic Forgetting").
#pragma once

#include <string>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

// The defaults are where the bundled models, edited by MEMIT, have forgotten something. With 10
// facts at once, in layers that suit them, their perplexity on the bundled sentences rises by a
// factor of 1.01 or less. With 100, the most probable answer is no longer the true one for a fifth
// of the neighbors where the factor is 1.03 to 1.07, for three in ten at 1.1 and four in ten
// at 1.2; changes are then about as large as their weights.
struct EditHealthOptions {
  double most_change = 1;         // |W' - W| / |W|, Frobenius
  double most_perplexity = 1.05;  // of the edited model's perplexity by the base model's
  std::vector<double> before =
      {};  // the base model's perplexities of the texts, where they are known
};

// One edited weight, all edits of it together.
struct WeightChange {
  int layer = 0;
  std::string projection;
  double change_norm = 0;  // |W' - W|, Frobenius
  double weight_norm = 0;  // |W|
};

struct EditHealth {
  std::vector<WeightChange> weights = {};  // by layer, then name
  // These are geometric means over the texts, of the base and the edited model.
  double perplexity_before = 0, perplexity_after = 0;
  std::vector<std::string> warnings = {};  // a sentence for each bound that is passed

  double PerplexityRatio() const { return perplexity_after / perplexity_before; }
  // The largest change of a weight, |W' - W| / |W| in percent; 0 of no weights.
  double MostChangedPercent() const;
};

// `texts` as ids, of two tokens or more. Throws Error as Model::Edited and Perplexities do.
// REQUIRES: !texts.empty()
EditHealth CheckEdits(const Model& base, const std::vector<Edit>& edits,
                      const std::vector<std::vector<int64_t>>& texts,
                      const EditHealthOptions& options = {});

}  // namespace mambascope
