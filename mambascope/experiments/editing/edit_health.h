// Checks what edits did to the model as a whole. Large edits, and many edits one after the other,
// can destroy a model's language (Gupta et al. 2024, "Model Editing at Scale leads to Gradual and
// Catastrophic Forgetting").
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

// Bounds above which CheckEdits warns. The defaults come from the bundled models, edited by MEMIT.
// With 10 facts in suitable layers, the perplexity of the bundled sentences rises by a factor of
// 1.01 or less. With 100 facts, some neighbors' most probable answer is no longer the true one.
// These are a fifth of the neighbors at factors of 1.03 to 1.07, three in ten at 1.1, and four in
// ten at 1.2. The changes are then about as large as the weights.
struct EditHealthOptions {
  double most_change = 1;         // |W' - W| / |W|, Frobenius norms
  double most_perplexity = 1.05;  // edited model's perplexity / base model's perplexity
  // The base model's perplexity. A model of English has 20 to 200 on English text. A model that
  // knows nothing about the text has about as many as its vocabulary has tokens.
  double most_perplexity_before = 1000;
  // The base model's perplexity of each text; empty: CheckEdits computes them.
  std::vector<double> before = {};
};

// The change of one weight by all its edits.
struct WeightChange {
  int layer = 0;
  std::string projection;
  double change_norm = 0;  // |W' - W|, Frobenius
  double weight_norm = 0;  // |W|
};

// Geometric means over the texts, of the base model and of the edited model.
struct PerplexityChange {
  double before = 0, after = 0;
  double Ratio() const { return after / before; }
};

struct EditHealth {
  std::vector<WeightChange> weights = {};           // by layer, then name
  std::optional<PerplexityChange> perplexity = {};  // none without texts
  std::vector<std::string> warnings = {};           // a sentence for each bound that is exceeded

  // The largest |W' - W| / |W| of the weights, in percent; 0 without weights.
  double MostChangedPercent() const;
};

// `texts` are token ids, at least 2 per text. Throws Error when Model::Edited or Perplexities does.
EditHealth CheckEdits(const Model& base, const std::vector<Edit>& edits,
                      const std::vector<std::vector<int64_t>>& texts,
                      const EditHealthOptions& options = {});

}  // namespace mambascope
