// Linear relational embeddings as lre.json (docs/cli.md). Shares are in percent; the embedding's layer is "embed".
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/lre/lre.h"

namespace mambascope {

// "embed", or the layer's number.
Json LayerJson(int layer);

// A line of lre.jsonl. Of a relation that was measured:
//   {name, kind, template, samples, range, chance, known, layer, causal_layer, faithfulness, faithfulness_in_3, identity, translation,
//    regression, beta, causality, rank, std, ci95: {faithfulness, causality}, by_layer: [{layer, faithfulness, .., rank, std}, ..],
//    trials: [{train: [{subject, object}, ..], known, tested, edited, majority, layer, causal_layer,
//              by_layer: [{layer, faithfulness, .., rank, held_out_faithfulness, training_causality}, ..]}, ..]}
// All but `trials` are means over the trials that were done, causality and rank at each one's causal_layer, from faithfulness to beta at
// its layer; layer and causal_layer beside them are those that most trials chose. std: {faithfulness, ..}, the population standard
// deviations; not there of one trial. range: the objects of all samples. known: of the samples that are not trained on; tested: of these,
// up to the limit; edited: of these, those that can be; majority: the share of these with the object that most samples have.
// held_out_faithfulness and training_causality: what beta and the rank were chosen on; null with the published protocol.
// A trial that was skipped is {train, skipped}: why; a relation, {name, kind, template, samples, range, skipped}.
Json LreLine(const LreRelation& measured, const Relation& relation);

// What the operator is made of that stands for a relation, from its line: the first trial that was done, at its most faithful layer.
// REQUIRES: the relation was measured
LreChoice ChoiceFromLine(const Json& line);

// {options, relations: the lines of those measured, skipped: [{name, kind, reason}, ..]}
Json LreJson(const Json& options, const std::vector<Json>& lines);

}  // namespace mambascope
