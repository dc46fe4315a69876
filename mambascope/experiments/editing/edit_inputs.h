// Inputs that all edits of a run share.
#pragma once

#include <set>
#include <string>
#include <variant>
#include <vector>

#include "mambascope/experiments/editing/edit_result.h"
#include "mambascope/experiments/editing/memit.h"
#include "mambascope/experiments/editing/rewrite.h"
#include "mambascope/experiments/editing/rome.h"

namespace mambascope {

// REQUIRES: everything it refers to outlives it
struct EditInputs {
  const Model& model;
  const Tokenizer& tokenizer;
  const Contexts& contexts;
  Solvers solvers;
};

// The method and its options. ROME changes one weight, MEMIT one projection at several layers.
using EditMethod = std::variant<RomeOptions, MemitOptions>;

// The layers of `places`.
std::set<int> EditedLayers(const std::vector<EditPlace>& places);

// Makes the prompts to edit a record with. Throws Error, which names the record, when
// PrepareRewrite does.
RewritePrompts PrepareRecord(const EditInputs& inputs, const EditRecord& record);

}  // namespace mambascope
