#include "mambascope/python/arrays.h"

#include <ATen/ATen.h>
#include <ATen/DLConvertor.h>

#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace py = pybind11;

constexpr const char* kUnread = "dltensor";
constexpr const char* kRead = "used_dltensor";

py::module_ Arrays() { return py::module_::import("mambascope._arrays"); }

}  // namespace

py::capsule ArraySource::DLPack() const {
  // The reader takes the capsule over and renames it. One that nobody read frees its tensor.
  return py::capsule(at::toDLPack(tensor_), kUnread, [](PyObject* capsule) {
    if (PyCapsule_IsValid(capsule, kUnread) == 0) return;
    auto* const managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule, kUnread));
    managed->deleter(managed);
  });
}

std::pair<int, int> ArraySource::Device() const {
  if (tensor_.is_cpu()) return {kDLCPU, 0};
  return {kDLCUDA, static_cast<int>(tensor_.device().index())};
}

py::object ToArray(const at::Tensor& tensor) {
  if (!tensor.defined()) return py::none();
  return Arrays().attr("to_array")(ArraySource(tensor.detach()));
}

at::Tensor ToTensor(const py::handle& array) {
  const py::object capsule = Arrays().attr("to_dlpack")(array);
  auto* const managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), kUnread));
  if (managed == nullptr) throw py::error_already_set();
  at::Tensor tensor = at::fromDLPack(managed);
  PyCapsule_SetName(capsule.ptr(), kRead);
  return tensor;
}

}  // namespace mambascope
