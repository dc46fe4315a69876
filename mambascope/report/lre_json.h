// Linear relational embeddings as lre.json (docs/cli.md). Shares are in percent; the embedding's layer is "embed".
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/lre.h"

namespace mambascope {

// "embed", or the layer's number.
Json LayerJson(int layer);

// A line of lre.jsonl. `kind` is the relation's type. Of a relation that was measured:
//   {name, kind, samples, range, chance, known, layer, causal_layer, faithfulness, identity, translation, regression, beta, causality,
//    rank, ci95: {faithfulness, causality}, by_layer: [{layer, faithfulness, .., rank}, ..],
//    trials: [{train: [{subject, object}, ..], known, tested, edited, majority, layer, causal_layer, by_layer: [{..,
//    faithfulness_in_3, held_out_faithfulness, training_causality}, ..]}, ..]}
// All but `trials` are means over the trials that were done, causality and rank at each one's causal_layer, from faithfulness to beta at
// its layer; of more than one, what has faithfulness has `std` too: {faithfulness, ..}, the population standard deviations. layer and
// causal_layer beside them: those that most trials chose. known: of the samples that are not trained on; tested: of these, up to the limit.
// held_out_faithfulness and training_causality: what beta and the rank were chosen on; null with the published protocol.
// A trial that was skipped is {train, skipped}: why; a relation, {name, kind, samples, range, skipped}.
Json LreLine(const LreRelation& relation, const std::string& kind);

// What the operator is made of that stands for a relation, from its line: the first trial that was done, at its most faithful layer.
// REQUIRES: the relation was measured
LreChoice ChoiceFromLine(const Json& line);

// {options, relations: the lines of those measured, skipped: [{name, kind, reason}, ..]}
Json LreJson(const Json& options, const std::vector<Json>& lines);

}  // namespace mambascope
