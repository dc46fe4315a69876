#include "mambascope/python/python_progress.h"

namespace mambascope {

namespace py = pybind11;

void PythonProgress::operator()(const std::string& what, double done, int64_t total) {
  const auto now = Clock::now();
  if (now - told_ < kBetween) return;
  told_ = now;
  const py::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  if (!hears_.is_none()) hears_(what, done, total);
}

}  // namespace mambascope
