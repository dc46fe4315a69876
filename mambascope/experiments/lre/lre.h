// How linear a relation is (Hernandez et al. 2023, sections 4.1 and 4.2; Sharma et al. 2024,
// section 5): the share of test samples whose object the operator says (faithfulness), and the
// share whose answer it changes to another sample's by its inverse (causality).
//
//   LreRelation result = MeasureRelation(model, tokenizer, relation);
//   if (result.skipped.empty()) fmt::print("{}: {:.0f} %\n", result.name,
//   result.chosen.faithfulness.mean);
#pragma once

#include <vector>

#include "mambascope/data/relation.h"
#include "mambascope/experiments/lre/operator.h"
#include "mambascope/experiments/lre/result.h"
#include "mambascope/model/model.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

// Splits, asks, makes the operators and measures them. A trial is skipped when not more of its
// other samples are known than it is made from, and when none of them, or none of those that the
// rank is chosen on, can be edited to another. Throws Error for options that do not fit the model.
LreRelation MeasureRelation(const Model& model, const Tokenizer& tokenizer,
                            const Relation& relation, const LreOptions& options = {});

// What an operator is made of.
struct LreChoice {
  std::vector<Sample> train;
  int layer;
  double beta;
  int64_t rank;
};

// One that can be kept. Throws Error for a layer that the model lacks.
LreOperator MakeOperator(const Model& model, const Tokenizer& tokenizer, const Relation& relation,
                         const LreChoice& choice, const LreOptions& options = {});

}  // namespace mambascope
