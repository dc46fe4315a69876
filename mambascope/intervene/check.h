// Checks on the interventions and prompts of Run and Sweep. Each check throws an Error that names
// the problem.
#pragma once

#include <cstdint>
#include <vector>

#include "mambascope/intervene/intervention.h"
#include "mambascope/model/model.h"

namespace mambascope {

// Combines several callables into one, for std::visit over an Intervention.
template <typename... F>
struct Overload : F... {
  using F::operator()...;
};
template <typename... F>
Overload(F...) -> Overload<F...>;  // older compilers need this deduction guide

// There must be at least one prompt, and no prompt may be empty.
void CheckPrompts(const std::vector<std::vector<int64_t>>& prompts);

// The token must exist in a prompt with `tokens` tokens.
void CheckToken(int64_t token, int64_t tokens);

// The layer must exist and must have the site.
void CheckPlace(const Model& model, const Place& place);

// Checks `variant` for a prompt with `tokens` tokens. Places and tokens must exist. Values must
// have the width of their site. The layer of a cut must have a mixer that fits its mask.
void CheckVariant(const Model& model, const Variant& variant, int64_t tokens);
// As CheckVariant, for the interventions of a base run. They may not contain a Hold.
void CheckBase(const Model& model, const Variant& variant, int64_t tokens);

}  // namespace mambascope
