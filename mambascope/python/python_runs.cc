#include "mambascope/python/python_runs.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <pybind11/stl.h>

#include "mambascope/error.h"
#include "mambascope/intervene/sweep.h"
#include "mambascope/python/arrays.h"
#include "mambascope/python/engine_settings.h"

namespace mambascope {
namespace {

namespace py = pybind11;

// Returns an attribute of an intervention. Throws Error unless it is what is `expected`.
template <typename T>
T Attribute(const py::handle& of, const char* name, const char* expected) {
  const py::object value = of.attr(name);
  try {
    return value.cast<T>();
  } catch (const py::cast_error&) {
    throw Error(fmt::format("{}: {} is {}; expected {}",
                            std::string(py::str(py::type::of(of).attr("__name__"))), name,
                            std::string(py::repr(value)), expected));
  }
}

StateId ReadState(const py::handle& of, const Model& model) {
  const auto name = Attribute<std::string>(of, "site", "a name");
  const auto layer = Attribute<std::optional<int>>(of, "layer", "an integer or None");
  const auto token = Attribute<int64_t>(of, "token", "an integer");
  const NamedPlace place = ParsePlace(name, model.sites(), model.layers());
  if (place.site == Site::kEmbed) return {place.site, kEmbedLayer, token};
  if (place.layer.has_value() == layer.has_value())
    throw Error(fmt::format("{}: the state needs one layer", name),
                "write Set(\"resid\", 3, token, value) or Set(\"resid.3\", None, token, value)");
  return {place.site, layer ? *layer : *place.layer, token};
}

at::Tensor ReadFloats(const py::handle& array, const Model& model) {
  return ToTensor(array).to(model.device(), at::kFloat);
}

Cut ReadCut(const py::handle& of, const Model& model) {
  const char* const integers = "a sequence of integers";
  Cut cut{.layer = Attribute<int>(of, "layer", "an integer"),
          .from = Attribute<std::vector<int64_t>>(of, "from_", integers),
          .to = Attribute<std::vector<int64_t>>(of, "to", integers)};
  if (!of.attr("channels").is_none())
    cut.channels = ToTensor(of.attr("channels")).to(model.device(), at::kBool);
  if (const auto kind = Attribute<std::string>(of, "kind", "a name"); kind == "cut-conv")
    cut.kind = CutKind::kMixingAndConv;
  else if (kind != "cut")
    throw Error(fmt::format("there is no kind of cut '{}'", kind), "write cut, or cut-conv");
  if (!of.attr("mixers").is_none()) {
    const auto mixers = Attribute<std::string>(of, "mixers", "a name or None");
    if (mixers != "mamba" && mixers != "attention")
      throw Error(fmt::format("there are no mixers '{}'", mixers), "write mamba, or attention");
    cut.mixers = mixers == "mamba" ? MixerKind::kScan : MixerKind::kAttention;
  }
  return cut;
}

}  // namespace

Variant ReadVariant(const py::iterable& interventions, const Model& model) {
  Variant variant;
  for (const py::handle one : interventions) {
    const auto kind = py::type::of(one).attr("__name__").cast<std::string>();
    if (kind == "Set")
      variant.emplace_back(Set{ReadState(one, model), ReadFloats(one.attr("value"), model)});
    else if (kind == "Add")
      variant.emplace_back(Add{ReadState(one, model), ReadFloats(one.attr("delta"), model)});
    else if (kind == "Hold") variant.emplace_back(Hold{ReadState(one, model)});
    else if (kind == "Cut") variant.emplace_back(ReadCut(one, model));
    else throw Error(fmt::format("a {} is no intervention", kind), "give Set, Add, Hold or Cut");
  }
  return variant;
}

std::vector<Place> ReadPlaces(const std::vector<std::string>& names, const Model& model) {
  std::vector<Place> places;
  for (const std::string& name : names) {
    const auto [site, layer] = ParsePlace(name, model.sites(), model.layers());
    if (site == Site::kEmbed) places.push_back({site, kEmbedLayer});
    else if (layer) places.push_back({site, *layer});
    else
      for (const int l : model.LayersWith(site)) places.push_back({site, l});
  }
  return places;
}

PythonRun RunForPython(const PythonModel& model, const std::vector<int64_t>& prompt,
                       const py::iterable& variant, const py::iterable& base,
                       const std::vector<std::string>& keep, std::optional<int64_t> memory) {
  const RunOptions options{.variants = {ReadVariant(variant, model.model())},
                           .keep = ReadPlaces(keep, model.model()),
                           .base = {ReadVariant(base, model.model())},
                           .memory = memory};
  const py::gil_scoped_release release;
  const EngineSettings settings(model.tf32);
  const c10::NoGradGuard no_grad;
  return {Run(model.model(), {prompt}, options), options.keep, model.tf32};
}

at::Tensor SweepForPython(const PythonModel& model,
                          const std::vector<std::vector<int64_t>>& prompts,
                          const std::vector<py::iterable>& base,
                          const std::vector<PythonCase>& cases, std::optional<int64_t> memory,
                          PythonProgress& progress) {
  std::vector<SweepBase> bases;
  for (size_t i = 0; i < prompts.size(); ++i)
    bases.push_back({prompts[i], ReadVariant(base.at(i), model.model())});
  std::vector<SweepCase> swept;
  for (const PythonCase& one : cases) {
    if (one.base >= bases.size())
      throw Error(
          fmt::format("a case has base {}, and there are {} bases", one.base, bases.size()));
    swept.push_back({one.base, ReadVariant(one.variant, model.model()), one.read});
  }
  SweepOptions options{.progress = [&](int64_t done, int64_t total) {
    progress("sweep: cases", static_cast<double>(done), total);
  }};
  options.memory = memory.value_or(CommandMemory(model.model().device()));
  const py::gil_scoped_release release;
  const EngineSettings settings(model.tf32);
  const c10::NoGradGuard no_grad;
  return Sweep(model.model(), bases, swept, options);
}

at::Tensor Probabilities(const PythonModel& python, const at::Tensor& states,
                         const std::vector<int64_t>& ids) {
  const Model& model = python.model();
  if (states.dim() != 2 || states.size(0) != static_cast<int64_t>(ids.size()))
    throw Error("probabilities need a token for each row of the states");
  for (const int64_t id : ids) {
    if (id < 0 || id >= model.config().vocab)
      throw Error(fmt::format("there is no token {}: this model has {}", id, model.config().vocab));
  }
  const py::gil_scoped_release release;
  const EngineSettings settings(python.tf32);
  const c10::NoGradGuard no_grad;
  at::Tensor p = at::empty({states.size(0)}, at::kFloat);
  const at::Tensor index = at::tensor(ids, at::kLong).unsqueeze(1);
  model.UnembedInParts(states.to(model.device()), [&](int64_t begin, const at::Tensor& logits) {
    const at::Tensor own = index.narrow(0, begin, logits.size(0)).to(logits.device());
    p.narrow(0, begin, logits.size(0)).copy_(logits.softmax(1).gather(1, own).squeeze(1));
  });
  return p;
}

}  // namespace mambascope
