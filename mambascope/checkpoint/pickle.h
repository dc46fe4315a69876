// The part of Python's pickle format that torch.save uses for a dictionary of tensors. A pickle is
// a program for a small stack machine. This reader never executes code: it builds plain values,
// describes tensors and refuses everything else.
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
  std::string storage_key;   // KEY of the zip entry data/KEY
  int64_t storage_size = 0;  // number of elements
  int64_t offset = 0;        // in elements
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
};

// Returns the tensors of the dictionary in `bytes`. The names of nested dictionaries are joined by
// "."; entries that are not tensors are skipped. Throws Error, naming the file `name`, for any
// opcode, global or value outside this subset.
std::map<std::string, PickledTensor> ReadTensorPickle(std::string_view bytes,
                                                      const std::string& name);

}  // namespace mambascope
