// lre.jsonl and lre.json hold linear relational embeddings so (docs/cli.md). Shares are in percent;
// the embedding's layer is "embed". What is written is read back whole.
#pragma once

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/lre/lre_summary.h"

namespace mambascope {

// "embed", or the layer's number.
Json LayerJson(int layer);

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SkippedRelation, name, kind, reason)

// A line of lre.jsonl, of a relation that was measured, is
//   {name, kind, template, samples, range, chance, known, layer, causal_layer, faithfulness,
//    faithfulness_in_3, identity, translation, regression, beta, causality, rank, std,
//    ci95: {faithfulness, causality}, by_layer: [{layer, faithfulness, .., rank, std}, ..],
//    trials: [{train: [{subject, object}, ..], known, tested, edited, majority, layer,
//    causal_layer,
//              by_layer: [{layer, faithfulness, .., rank, held_out_faithfulness,
//                          training_causality}, ..]}, ..]}.
// std is {faithfulness, ..}; one trial has none. A trial that was skipped is {train, skipped}, and
// a relation {name, kind, template, samples, range, skipped}, with the reason.
void to_json(Json& json, const RelationResult& result);
void from_json(const Json& json, RelationResult& result);

// lre.json is {options, relations: [line, ..] of those measured, skipped: [{name, kind, reason},
// ..]}.
void to_json(Json& json, const LreResult& result);
void from_json(const Json& json, LreResult& result);

}  // namespace mambascope
