// Tensors as Python's arrays and back, by DLPack. They share memory where possible. Include this
// wherever a function that Python sees takes or returns a tensor.
//
// The Python module mambascope._arrays decides which arrays they are: torch.Tensor where mambascope
// runs in a process with PyTorch, numpy.ndarray elsewhere.
#pragma once

#include <ATen/core/Tensor.h>
#include <pybind11/pybind11.h>

namespace mambascope {

// What an array is made of: an object with the methods of the DLPack protocol.
class ArraySource {
 public:
  explicit ArraySource(at::Tensor tensor) : tensor_(std::move(tensor)) {}
  // A capsule "dltensor". It shares the tensor's memory, and keeps it alive.
  pybind11::capsule DLPack() const;
  // DLPack's number of the kind of device, and the device's own number.
  std::pair<int, int> Device() const;

 private:
  at::Tensor tensor_;
};

// The array of a tensor. A null tensor is None.
pybind11::object ToArray(const at::Tensor& tensor);
// The tensor of an array, or of a list of numbers: float32, or int64. Shares memory with an array
// that allows it. Throws Error (Python's) for anything else.
at::Tensor ToTensor(const pybind11::handle& array);

}  // namespace mambascope

namespace pybind11::detail {

template <>
struct type_caster<at::Tensor> {
  PYBIND11_TYPE_CASTER(at::Tensor, const_name("Array"));
  bool load(handle source, bool /*convert*/) {
    value = mambascope::ToTensor(source);
    return true;
  }
  static handle cast(const at::Tensor& tensor, return_value_policy /*policy*/, handle /*parent*/) {
    return mambascope::ToArray(tensor).release();
  }
};

}  // namespace pybind11::detail
