// Run and Sweep for Python: interventions, places and prompts as Python gives them.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string>
#include <vector>

#include "mambascope/intervene/downstream.h"
#include "mambascope/intervene/run.h"
#include "mambascope/python/python_model.h"
#include "mambascope/python/python_progress.h"

namespace mambascope {

// Reads a list of mambascope.Set, Add, Hold and Cut. Throws Error for sites and kinds that do not
// exist.
Variant ReadVariant(const pybind11::iterable& interventions, const Model& model);

// A Run of one prompt. REQUIRES: the model outlives it.
struct PythonRun {
  RunResult result;
  std::vector<Place> kept;
  std::optional<bool> tf32;  // as the model
};
PythonRun RunForPython(const PythonModel& model, const std::vector<int64_t>& prompt,
                       const pybind11::iterable& variant, const pybind11::iterable& base,
                       const std::vector<std::string>& keep, std::optional<int64_t> memory);

struct PythonCase {
  size_t base;
  pybind11::iterable variant;
  std::vector<int64_t> read;
};
// Returns the last block's output at the tokens that the cases read, [read, d_model].
at::Tensor SweepForPython(const PythonModel& model,
                          const std::vector<std::vector<int64_t>>& prompts,
                          const std::vector<pybind11::iterable>& base,
                          const std::vector<PythonCase>& cases, std::optional<int64_t> memory,
                          PythonProgress& progress);

// The places that a name means: in one layer if the name gives it, else in all layers that have the
// site.
std::vector<Place> ReadPlaces(const std::vector<std::string>& names, const Model& model);

// The probability of token ids[i] in row i of `states`, outputs of the last block [row, d_model].
at::Tensor Probabilities(const PythonModel& python, const at::Tensor& states,
                         const std::vector<int64_t>& ids);

}  // namespace mambascope
