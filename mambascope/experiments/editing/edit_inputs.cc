#include "mambascope/experiments/editing/edit_inputs.h"

#include <fmt/format.h>

#include "mambascope/error.h"

namespace mambascope {

std::set<int> EditedLayers(const std::vector<EditPlace>& places) {
  std::set<int> layers;
  for (const EditPlace& place : places) layers.insert(place.layer);
  return layers;
}

RewritePrompts PrepareRecord(const EditInputs& inputs, const EditRecord& record) try {
  return PrepareRewrite(inputs.tokenizer, {record.prompt, record.subject, record.target_new},
                        inputs.contexts);
} catch (const Error& e) {
  throw Error(fmt::format("case_id {}: {}", record.case_id, e.what()));
}

}  // namespace mambascope
