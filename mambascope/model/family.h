// Reads config.json, and finds the weights of a checkpoint by its family's names.
#pragma once

#include <string>

#include "mambascope/checkpoint/checkpoint.h"
#include "mambascope/checkpoint/json.h"
#include "mambascope/model/families/families.h"

namespace mambascope {

// Reads the config.json of a Hugging Face model, or that of a state-spaces model (d_model, n_layer,
// ssm_cfg). Throws Error for a model_type or a setting that is not supported.
Config ParseConfig(const Json& json, const std::string& name);
Config ReadConfig(const Checkpoint& checkpoint);

// Returns the names of the family's weights in `source`. Checkpoints of one family may lack its
// prefix or have that of a larger model.
ModelNames FindNames(const Family& family, const WeightSource& source);

}  // namespace mambascope
