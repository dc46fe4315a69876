// Reads a whole .npz file, for tests.
#pragma once

#include "mambascope/checkpoint/npz.h"

namespace mambascope {

inline Npz ReadNpz(const std::filesystem::path& path) {
  const NpzFile file(path);
  Npz values;
  for (const std::string& key : file.keys()) values[key] = file.Read(key, 1 << 20);
  return values;
}

}  // namespace mambascope
