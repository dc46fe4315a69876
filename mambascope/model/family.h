// Reads config.json, and finds the weights of a checkpoint by its family's names.
#pragma once

#include <string>

#include "mambascope/checkpoint/checkpoint.h"
#include "mambascope/checkpoint/json.h"
#include "mambascope/model/families/families.h"

namespace mambascope {

// Reads the config.json of a Hugging Face model, or that of a state-spaces model (d_model, n_layer,
// ssm_cfg). In that of a multimodal model it reads the text model's part (text_config.h). Throws
// Error for a model_type or a setting that is not supported, and for quantised weights.
Config ParseConfig(const Json& json, const std::string& name);
Config ReadConfig(const Checkpoint& checkpoint);

// Returns the names of the family's weights in `source`. They may lack the family's prefix, have
// that of another class, or have that of a multimodal model before it.
ModelNames FindNames(const Family& family, const WeightSource& source);

}  // namespace mambascope
