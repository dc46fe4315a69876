// The part of Python's pickle format that torch.save uses for a dictionary of tensors. Nothing is
// executed: a pickle is a program for a small stack machine, and this machine knows how to build
// plain values and how to describe a tensor, and refuses everything else.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mambascope {

// A tensor as the pickle describes it: a strided view of one storage.
struct PickledTensor {
  std::string storage_type;  // "FloatStorage"
  std::string storage_key;   // names the zip entry data/KEY
  int64_t storage_size = 0;  // elements
  int64_t offset = 0;        // elements
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
};

// The tensors of the dictionary that `bytes` describe (nested dictionaries are joined by ".";
// entries that are not tensors are dropped). `name` is the file's, for the Error that any opcode,
// global or value outside this subset throws.
std::map<std::string, PickledTensor> ReadTensorPickle(std::string_view bytes,
                                                      const std::string& name);

}  // namespace mambascope
