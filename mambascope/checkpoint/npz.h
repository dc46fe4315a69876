// NumPy's .npz files: zip archives of arrays in the .npy format (numpy.lib.format). docs/formats.md
// describes the layout.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "mambascope/checkpoint/zip.h"

namespace mambascope {

// The value of an entry: an array (0-dim for a scalar), or one text (a scalar of NumPy's types U or
// S).
using NpzValue = std::variant<at::Tensor, std::string>;
using Npz = std::map<std::string, NpzValue>;

// An .npz file that is open. Arrays are little-endian floats of 16 to 64 bits, signed integers of 8
// to 64 bits, uint8 or bool. They may be stored or deflated, in C or Fortran order, and in versions
// 1 and 2 of the .npy format. Every Error names the file and the entry.
class NpzFile {
 public:
  // Reads the names of the entries. Throws Error unless numpy.savez wrote the file.
  explicit NpzFile(const std::filesystem::path& path);

  // The names of the entries, without ".npy".
  const std::set<std::string>& keys() const { return keys_; }
  bool Has(const std::string& key) const { return keys_.contains(key); }
  // Returns the shape that the entry's header states; {} for a text. Reads no data.
  std::vector<int64_t> Shape(const std::string& key) const;
  // Reads an entry. Throws Error, before it takes memory, when the entry has more than `most` bytes
  // of data. Also throws for what is not read, such as pickled objects, structures or arrays of
  // texts, and for a header that is malformed or does not match the data.
  NpzValue Read(const std::string& key, uint64_t most) const;

 private:
  std::string Entry(const std::string& key) const;
  std::string Where(const std::string& key) const;

  std::filesystem::path path_;
  ZipReader zip_;
  std::set<std::string> keys_;
};

// Writes `values` uncompressed, as numpy.savez does; numpy.load reads the file without pickle.
// Tensors may be on any device and have the types that NpzFile reads. Texts are UTF-8.
void WriteNpz(const std::filesystem::path& path, const Npz& values);

}  // namespace mambascope
