// Converts linear relational embeddings to and from lre.jsonl and lre.json (docs/cli.md). Shares
// are in percent. The embedding's layer is "embed".
#pragma once

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/lre/lre_summary.h"

namespace mambascope {

// "embed", or the layer's number.
Json LayerJson(int layer);

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SkippedRelation, name, kind, reason)

// A line of lre.jsonl for a measured relation is
//   {name, kind, template, samples, range, chance, known, layer, causal_layer, faithfulness,
//    faithfulness_in_3, identity, translation, regression, beta, causality, rank, std,
//    ci95: {faithfulness, causality}, by_layer: [{layer, faithfulness, .., rank, std}, ..],
//    trials: [{train: [{subject, object}, ..], known, tested, edited, majority, layer,
//              causal_layer, by_layer: [{layer, faithfulness, .., rank, held_out_faithfulness,
//                                        training_causality}, ..]}, ..]}.
// std is {faithfulness, ..}, and missing for one trial. A skipped trial is {train, skipped}. A
// skipped relation is {name, kind, template, samples, range, skipped}. `skipped` is the reason.
void to_json(Json& json, const RelationResult& result);
void from_json(const Json& json, RelationResult& result);

// lre.json is {options, relations: [line of a measured relation, ..], skipped: [{name, kind,
// reason}, ..]}.
void to_json(Json& json, const LreResult& result);
void from_json(const Json& json, LreResult& result);

}  // namespace mambascope
