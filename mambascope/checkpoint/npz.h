// NumPy's .npz: a zip of arrays, each in the .npy format (numpy.lib.format). docs/formats.md has
// the layout.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <variant>

namespace mambascope {

// What an entry holds: an array (0-dim for a scalar), or one text (a scalar of NumPy's types U and
// S).
using NpzValue = std::variant<at::Tensor, std::string>;
using Npz = std::map<std::string, NpzValue>;

// Reads all entries, by their names without ".npy", stored or deflated. Arrays are floats of 16 to
// 64 bits, signed integers of 8 to 64, uint8 or bool, little-endian, in C or Fortran order, of
// versions 1 and 2 of the format. Throws Error, which names the file and the entry, for anything
// else: pickled objects, structures, lists of texts; and for a header that does not make sense or
// does not fit the bytes.
Npz ReadNpz(const std::filesystem::path& path);

// Writes them, uncompressed, as numpy.savez does and numpy.load (without pickle) reads. The tensors
// may be on any device, in the types that ReadNpz reads; texts are UTF-8.
void WriteNpz(const std::filesystem::path& path, const Npz& values);

}  // namespace mambascope
