// Converts results of edits to and from the JSON of result files (docs/cli.md).
#pragma once

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/editing/edit_sweep.h"
#include "mambascope/experiments/editing/mass_edit.h"
#include "mambascope/experiments/editing/one_edit.h"

namespace mambascope {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(RecordChoice, chosen, tested, of, left_out)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EditRecord, case_id, relation, prompt, subject, target_new,
                                   target_true, digest)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(LossStep, loss, nll, kl, decay, p)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TokenProbability, id, text, prob)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(NextTokens, top, p_target, says_target)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PerplexityChange, before, after)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(WeightChange, layer, projection, change_norm, weight_norm)

// A record's scores are {ES, ED, EA, PS, .., NA, entropy?, reference?}. zsRE's are {rewrite_acc,
// EA, paraphrase_acc, PA, neighborhood_acc, NA}. Shares are from 0 to 1. A missing value is null.
void to_json(Json& json, const EditScores& scores);
void from_json(const Json& json, EditScores& scores);

// A line of edit.jsonl has the fields of EditRecord and
//   {pre: scores, edits: [{layer, projection, steps, loss, p, stopped, change_norm, weight_norm,
//    seconds, and the scores}, ..]}.
void to_json(Json& json, const RecordResult& result);
void from_json(const Json& json, RecordResult& result);

// Means are {records, S, ES, .., entropy?, reference?, ci95: {S: [low, high], ES, ..}}, times 100.
// A missing value is null.
void to_json(Json& json, const EditMeans& means);
void from_json(const Json& json, EditMeans& means);

// A row has the means and {layer, projection, seconds_per_edit, steps, change_norm, weight_norm,
// stopped: {why: edits}}.
void to_json(Json& json, const EditSweepRow& row);
void from_json(const Json& json, EditSweepRow& row);

// Health is {perplexity: {before, after}, weights: [{layer, projection, change_norm, weight_norm},
// ..], warnings: [text, ..]}. `perplexity` is null without texts.
void to_json(Json& json, const EditHealth& health);
void from_json(const Json& json, EditHealth& health);

// edit.json of a sweep is {options, choice, pre, best: {layer, projection, S} or null, sweep: [row,
// ..], records: [line, ..]}. Rows are ordered by projection, as in the records' edits, then by
// layer.
void to_json(Json& json, const EditSweepResult& result);
void from_json(const Json& json, EditSweepResult& result);

// edit.json of many edits in one model is {options, choice, many: [point, ..], records: [{pre,
// post, and the fields of EditRecord}, ..]}. A point has the means, the health and {edits, pre,
// seconds_per_edit}.
void to_json(Json& json, const MassEditResult& result);
void from_json(const Json& json, MassEditResult& result);

// A check is {kind, prompt, object?, before: {top, p_target, says_target}, after,
// said_target, says_target}.
void to_json(Json& json, const EditCheck& check);
void from_json(const Json& json, EditCheck& check);

// edit.json of one edit is {options, edit: {layer, layers, projection, prompt, subject, target,
// loss: [{loss, nll, kl, decay, p}, ..], stopped, change_norm, weight_norm, v0_norm, delta_norm,
// before: {top: [{id, text, prob}, ..], p_target, says_target}, after, perplexity: {text, before,
// after}, weights, warnings, checks: [check, ..]}}. `layer` and the norms of W are the last
// layer's.
void to_json(Json& json, const OneEditResult& result);
void from_json(const Json& json, OneEditResult& result);

}  // namespace mambascope
