// NumPy's .npz files: zip archives of arrays in the .npy format (numpy.lib.format). docs/formats.md
// describes the layout.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <variant>

namespace mambascope {

// The value of an entry: an array (0-dim for a scalar), or one text (a scalar of NumPy's types U or
// S).
using NpzValue = std::variant<at::Tensor, std::string>;
using Npz = std::map<std::string, NpzValue>;

// Reads all entries, stored or deflated. The map's keys are the entry names without ".npy". Arrays
// are little-endian floats of 16 to 64 bits, signed integers of 8 to 64 bits, uint8 or bool. They
// may be in C or Fortran order and in versions 1 and 2 of the .npy format. Throws Error, naming the
// file and the entry, for anything else, such as pickled objects, structures or arrays of texts. It
// also throws for a header that is malformed or does not match the data.
Npz ReadNpz(const std::filesystem::path& path);

// Writes `values` uncompressed, as numpy.savez does; numpy.load reads the file without pickle.
// Tensors may be on any device and have the types that ReadNpz reads. Texts are UTF-8.
void WriteNpz(const std::filesystem::path& path, const Npz& values);

}  // namespace mambascope
