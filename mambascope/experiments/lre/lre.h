// Measures how linear a relation is (Hernandez et al. 2023, sections 4.1 and 4.2; Sharma et al.
// 2024, section 5). Faithfulness is the share of test samples whose object the operator predicts.
// Causality is the share whose answer the operator's inverse changes to another sample's.
//
//   LreRelation result = MeasureRelation(model, tokenizer, relation);
//   if (result.skipped.empty())
//     fmt::print("{}: {:.0f} %\n", result.name, result.chosen.faithfulness.mean);
#pragma once

#include <vector>

#include "mambascope/data/relation.h"
#include "mambascope/experiments/lre/operator.h"
#include "mambascope/experiments/lre/result.h"
#include "mambascope/model/model.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

// Splits the samples, makes the operators and measures them. A trial is skipped when the model
// knows too few of the other samples: it must know more than the operator is made from. A trial is
// also skipped when no tested sample can be edited to another, and when no training sample can,
// because the rank is chosen on these. Throws Error for options that do not fit the model.
LreRelation MeasureRelation(const Model& model, const Tokenizer& tokenizer,
                            const Relation& relation, const LreOptions& options = {});

// The choices that an operator is made with.
struct LreChoice {
  std::vector<Sample> train;
  int layer;
  double beta;
  int64_t rank;
};

// Makes an operator that can be stored. Throws Error when the model lacks the layer.
LreOperator MakeOperator(const Model& model, const Tokenizer& tokenizer, const Relation& relation,
                         const LreChoice& choice, const LreOptions& options = {});

}  // namespace mambascope
