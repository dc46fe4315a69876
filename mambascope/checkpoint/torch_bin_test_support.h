// Builders for files in the format of torch.save. A test assembles a pickle, valid or not, and
// writes the zip around it.
#pragma once

#include <gtest/gtest.h>
#include <zip.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace mambascope::pickled {

template <typename T>
std::string Raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

// Each function returns pickle code that leaves one value on the stack.
inline std::string Text(const std::string& text) {
  return "X" + Raw(static_cast<uint32_t>(text.size())) + text;
}
inline std::string Int(int32_t value) { return "J" + Raw(value); }
inline std::string Global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}

inline std::string Tuple(const std::vector<std::string>& items) {
  std::string tuple = "(";
  for (const std::string& item : items) tuple += item;
  return tuple + "t";
}

inline std::string Ints(const std::vector<int32_t>& values) {
  std::vector<std::string> items;
  for (int32_t value : values) items.push_back(Int(value));
  return Tuple(items);
}

inline std::string OrderedDict() { return Global("collections", "OrderedDict") + ")R"; }

using Items = std::vector<std::pair<std::string, std::string>>;  // name, pickled value
inline std::string Fill(const std::string& dictionary, const Items& items) {
  std::string filled = dictionary + "(";
  for (const auto& [name, value] : items) filled += Text(name) + value;
  return filled + "u";
}
inline std::string Dict(const Items& items) { return Fill("}", items); }

inline std::string Storage(const std::string& type, const std::string& key, int32_t elements) {
  return Tuple({Text("storage"), Global("torch", type), Text(key), Text("cpu"), Int(elements)}) +
         "Q";
}

inline std::string Tensor(const std::string& storage, int32_t offset,
                          const std::vector<int32_t>& shape, const std::vector<int32_t>& strides) {
  const std::string no_grad = "\x89";
  return Global("torch._utils", "_rebuild_tensor_v2") +
         Tuple({storage, Int(offset), Ints(shape), Ints(strides), no_grad, OrderedDict()}) + "R";
}

// A complete pickle that leaves `value`.
inline std::string Program(const std::string& value) { return "\x80\x02" + value + "."; }

// Writes a zip with these entries, uncompressed like those of torch.save, except for `deflated`.
inline void WriteZip(const std::filesystem::path& path,
                     const std::map<std::string, std::string>& entries,
                     const std::string& deflated = "") {
  zip_t* zip = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  ASSERT_NE(zip, nullptr);
  for (const auto& [name, bytes] : entries) {
    const zip_int64_t index =
        zip_file_add(zip, name.c_str(), zip_source_buffer(zip, bytes.data(), bytes.size(), 0), 0);
    ASSERT_GE(index, 0);
    zip_set_file_compression(zip, static_cast<zip_uint64_t>(index),
                             name == deflated ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
  }
  ASSERT_EQ(zip_close(zip), 0);
}

// Returns the bytes of one entry of a zip.
inline std::string ReadZip(const std::filesystem::path& path, const std::string& entry) {
  zip_t* zip = zip_open(path.c_str(), ZIP_RDONLY, nullptr);
  zip_stat_t info;
  EXPECT_EQ(zip_stat(zip, entry.c_str(), 0, &info), 0);
  std::string bytes(info.size, '\0');
  zip_file_t* file = zip_fopen(zip, entry.c_str(), 0);
  EXPECT_EQ(zip_fread(file, bytes.data(), bytes.size()), static_cast<zip_int64_t>(bytes.size()));
  zip_fclose(file);
  zip_discard(zip);
  return bytes;
}

}  // namespace mambascope::pickled
