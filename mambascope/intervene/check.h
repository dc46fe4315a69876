// Run and Sweep refuse interventions and prompts that the model does not have a place for. Each
// check throws an Error that says why.
#pragma once

#include <cstdint>
#include <vector>

#include "mambascope/intervene/intervention.h"
#include "mambascope/model/model.h"

namespace mambascope {

// For std::visit over an Intervention: one callable made of several.
template <typename... F>
struct Overload : F... {
  using F::operator()...;
};
template <typename... F>
Overload(F...) -> Overload<F...>;  // older compilers do not deduce it

// There must be a prompt, and none may be empty.
void CheckPrompts(const std::vector<std::vector<int64_t>>& prompts);

// The token must exist in a prompt of `tokens` tokens.
void CheckToken(int64_t token, int64_t tokens);

// The layer must exist, and have the site.
void CheckPlace(const Model& model, const Place& place);

// For a prompt of `tokens` tokens, places and tokens must exist, values must have the site's width
// there, and a cut's layer must have a mixer that its mask fits.
void CheckVariant(const Model& model, const Variant& variant, int64_t tokens);
// The same holds of what is done to a base run, which has no state to be held at.
void CheckBase(const Model& model, const Variant& variant, int64_t tokens);

}  // namespace mambascope
