// The extension module mambascope._core: what the Python package needs of the library. The package
// (python/mambascope) says what users see.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "mambascope/error.h"
#include "mambascope/python/arrays.h"
#include "mambascope/python/engine_settings.h"
#include "mambascope/python/python_command.h"
#include "mambascope/python/python_model.h"
#include "mambascope/python/python_runs.h"

namespace mambascope {
namespace {

namespace py = pybind11;
using Ids = std::vector<int64_t>;

// A token: id, text (None without one), and the characters [begin, end) of the prompt.
py::tuple TokenTuple(const Token& token) {
  return py::make_tuple(token.id, token.text, token.chars.begin, token.chars.end);
}

py::list Tokens(const PythonModel& model, const std::string& text) {
  py::list tokens;
  for (const Token& token : model.tokenizer().Encode(text)) tokens.append(TokenTuple(token));
  return tokens;
}

int64_t AnswerToken(const PythonModel& model, const std::string& text) {
  const std::vector<Token> tokens = model.tokenizer().EncodeAnswer(text);
  if (tokens.empty()) throw Error("the answer is empty");
  return tokens[0].id;
}

py::dict Describe(const PythonModel& of) {
  const Model& model = of.model();
  py::list sites, projections;
  for (const SiteInfo& site : model.sites())
    sites.append(
        py::make_tuple(std::string(SiteName(site.site)), site.width, model.LayersWith(site.site)));
  for (const std::string& name : model.projections())
    projections.append(py::make_tuple(name, model.LayersWith(name)));
  py::dict info;
  info["architecture"] = model.config().model_type;
  info["layers"] = model.layers();
  info["d_model"] = model.config().d_model;
  info["vocab"] = model.config().vocab;
  info["parameters"] = model.parameters();
  info["sites"] = sites;
  info["projections"] = projections;
  info["fingerprint"] = of.kept.fingerprint;
  info["device"] = model.device().str();
  return info;
}

PythonModel Load(const std::string& model, const std::string& tokenizer, const std::string& device,
                 const std::string& precision, const std::string& compat, int threads,
                 py::object hears) {
  PythonProgress progress(std::move(hears));
  std::vector<std::string> words = {"info",
                                    "--device=" + device,
                                    "--precision=" + precision,
                                    "--compat=" + compat,
                                    "--threads=" + std::to_string(threads),
                                    "--model=" + model};
  if (!tokenizer.empty()) words.push_back("--tokenizer=" + tokenizer);
  const py::gil_scoped_release release;
  return LoadPythonModel(std::move(words), progress);
}

std::vector<std::string> KeptNames(const PythonRun& run) {
  std::vector<std::string> names;
  for (const Place& place : run.kept) names.push_back(PlaceName(place));
  return names;
}

void BindModel(py::module_& m) {
  py::class_<PythonModel>(m, "Model")
      .def(py::init(&Load))
      .def("describe", &Describe)
      .def_readonly("warnings", &PythonModel::warnings)
      .def("tokens", &Tokens)
      .def("decode",
           [](const PythonModel& model, const Ids& ids) { return model.tokenizer().Decode(ids); })
      .def("answer", &AnswerToken)
      .def("edited", &EditedBy, py::call_guard<py::gil_scoped_release>())
      .def("unembed",
           [](const PythonModel& model, const at::Tensor& states) {
             const py::gil_scoped_release release;
             const EngineSettings settings(model.tf32);
             const c10::NoGradGuard no_grad;
             return model.model().Unembed(states.to(model.model().device(), at::kFloat));
           })
      .def("probabilities", [](const PythonModel& model, const at::Tensor& states, const Ids& ids) {
        return Probabilities(model, states, ids);
      });
}

void BindRuns(py::module_& m) {
  py::class_<PythonRun>(m, "Run")
      .def("kept", &KeptNames)
      .def("logits",
           [](const PythonRun& run) {
             const py::gil_scoped_release release;
             const EngineSettings settings(run.tf32);
             const c10::NoGradGuard no_grad;
             return run.result.Logits(0);
           })
      .def("state", [](const PythonRun& run, size_t place) {
        return run.result.State(run.kept.at(place), 0);
      });
  m.def("run", &RunForPython);  // the caller keeps the model
  m.def("sweep", [](const PythonModel& model, const std::vector<Ids>& prompts,
                    const std::vector<py::iterable>& base,
                    const std::vector<std::tuple<size_t, py::iterable, Ids>>& cases,
                    std::optional<int64_t> memory, py::object hears) {
    PythonProgress progress(std::move(hears));
    std::vector<PythonCase> swept;
    for (const auto& [of, variant, read] : cases) swept.push_back({of, variant, read});
    return SweepForPython(model, prompts, base, swept, memory, progress);
  });
}

void BindCommands(py::module_& m) {
  py::class_<PythonResult>(m, "Result")
      .def_readonly("json", &PythonResult::json)
      .def_readonly("text", &PythonResult::text)
      .def_readonly("table", &PythonResult::table)
      .def_readonly("warnings", &PythonResult::warnings)
      .def("html", &PythonResult::html)
      .def("figures", &PythonResult::figures);
  m.def("run_command",
        [](const PythonModel& model, const std::vector<std::string>& words, py::object hears) {
          PythonProgress progress(std::move(hears));
          const py::gil_scoped_release release;
          return RunPythonCommand(model, words, progress);
        });
  m.def("figure_page",
        [](const std::string& heading, const std::string& caption, const std::string& spec) {
          return HtmlPage(
              {.info = {.title = heading},
               .figures = {{.heading = heading, .caption = caption, .spec = Json::parse(spec)}}});
        });
}

}  // namespace
}  // namespace mambascope

PYBIND11_MODULE(_core, m) {
  namespace py = pybind11;
  using namespace mambascope;
  m.doc() = "The engine of mambascope. Use the package mambascope, and not this module.";
  // mambascope.Error: what() of an Error ends with its hint.
  static const py::handle error =  // for as long as the process lives
      py::object(py::module_::import("mambascope._errors").attr("Error")).release();
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Error& e) {
      PyErr_SetString(error.ptr(), e.what());
    }
  });
  py::class_<ArraySource>(m, "ArraySource")
      .def("__dlpack__",
           [](const ArraySource& source, const py::kwargs& /*asked*/) { return source.DLPack(); })
      .def("__dlpack_device__", &ArraySource::Device);
  BindModel(m);
  BindRuns(m);
  BindCommands(m);
}
