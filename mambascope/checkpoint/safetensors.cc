// Layout of a safetensors file: 8 bytes of header size (little-endian), a JSON header {name:
// {dtype, shape, data_offsets: [begin, end)}}, then the data.
#include <ATen/Functions.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/json.h"
#include "mambascope/checkpoint/mapping.h"
#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxHeader = 100'000'000;
constexpr std::pair<std::string_view, at::ScalarType> kDtypes[] = {
    {"F32", at::kFloat}, {"F16", at::kHalf}, {"BF16", at::kBFloat16}, {"F64", at::kDouble},
    {"I64", at::kLong},  {"I32", at::kInt},  {"I16", at::kShort},     {"I8", at::kChar},
    {"U8", at::kByte},   {"BOOL", at::kBool}};

// Product of `shape`, or -1 when a size is negative or the product overflows.
int64_t Elements(const std::vector<int64_t>& shape) {
  int64_t n = 1;
  for (int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(n, size, &n)) return -1;
  }
  return n;
}

class SafetensorsFile : public TensorFile {
 public:
  explicit SafetensorsFile(const fs::path& path)
      : path_(path), mapping_(std::make_shared<Mapping>(path)) {
    uint64_t header_size = 0;
    if (mapping_->size() < sizeof(header_size))
      throw Error(Where() + "the file is shorter than the 8 bytes of the header size",
                  "is it truncated?");
    std::memcpy(&header_size, mapping_->data(), sizeof(header_size));
    if (mapping_->size() > sizeof(header_size) && mapping_->data()[sizeof(header_size)] != '{')
      throw Error(Where() + "is not a safetensors file", "its header is not a JSON object");
    if (header_size > kMaxHeader)
      throw Error(fmt::format("{}the header has {} bytes; at most {} are allowed", Where(),
                              header_size, kMaxHeader),
                  "is it a safetensors file?");
    if (header_size > mapping_->size() - sizeof(header_size))
      throw Error(Where() + "the header runs past the end of the file", "is it truncated?");
    data_begin_ = sizeof(header_size) + header_size;
    ReadHeader(ParseJson({mapping_->data() + sizeof(header_size), header_size}, path.string()));
    CheckCover();
  }

  const std::map<std::string, TensorInfo>& tensors() const override { return tensors_; }
  std::map<std::string, std::string> metadata() const override { return metadata_; }

  at::Tensor Read(const std::string& name) const override {
    const TensorInfo& info = tensors_.at(name);
    char* bytes = mapping_->data() + data_begin_ + offsets_.at(name).first;
    const at::Tensor view = at::from_blob(
        bytes, info.shape, [keep = mapping_](void*) {}, at::TensorOptions().dtype(info.dtype));
    const bool aligned = reinterpret_cast<uintptr_t>(bytes) % c10::elementSize(info.dtype) == 0;
    return aligned ? view : CopyUnaligned(bytes, info);
  }

 private:
  std::string Where() const { return path_.string() + ": "; }
  std::string Where(const std::string& name) const {
    return fmt::format("{}: tensor '{}': ", path_.string(), name);
  }

  static at::Tensor CopyUnaligned(const char* bytes, const TensorInfo& info) {
    at::Tensor copy = at::empty(info.shape, at::TensorOptions().dtype(info.dtype));
    if (copy.nbytes() > 0) std::memcpy(copy.data_ptr(), bytes, copy.nbytes());
    return copy;
  }

  void ReadHeader(const Json& header) {
    if (!header.is_object()) throw Error(Where() + "the header is not a JSON object");
    for (const auto& [name, entry] : header.items()) {
      if (name != "__metadata__") ReadEntry(name, entry);
    }
    if (!header.contains("__metadata__") || !header["__metadata__"].is_object()) return;
    for (const auto& [key, text] : header["__metadata__"].items()) {
      if (text.is_string()) metadata_[key] = text.get<std::string>();
    }
  }

  void ReadEntry(const std::string& name, const Json& entry) {
    std::string dtype;
    TensorInfo info;
    uint64_t begin = 0, end = 0;
    bool valid = false;
    try {
      dtype = entry.at("dtype").get<std::string>();
      info.shape = entry.at("shape").get<std::vector<int64_t>>();
      std::tie(begin, end) = entry.at("data_offsets").get<std::pair<uint64_t, uint64_t>>();
      valid = true;
    } catch (const Json::exception&) {  // a field is missing or has another type
    }
    if (!valid)
      throw Error(Where(name) + "the header entry lacks a valid dtype, shape or data_offsets");
    const auto* known = std::find_if(std::begin(kDtypes), std::end(kDtypes),
                                     [&](const auto& d) { return d.first == dtype; });
    info.dtype_name = dtype;
    if (begin > end || end > mapping_->size() - data_begin_) {
      throw Error(fmt::format("{}bytes [{}, {}) are outside the file's {} bytes of data",
                              Where(name), begin, end, mapping_->size() - data_begin_),
                  "is the file truncated?");
    }
    offsets_[name] = {begin, end};
    if (known == std::end(kDtypes)) {  // e.g. F8_E4M3; an Error only when the tensor is used
      tensors_[name] = std::move(info);
      return;
    }
    info.dtype = known->second;
    int64_t bytes = Elements(info.shape);
    if (bytes < 0 ||
        __builtin_mul_overflow(bytes, static_cast<int64_t>(c10::elementSize(info.dtype)), &bytes) ||
        static_cast<uint64_t>(bytes) != end - begin) {
      throw Error(fmt::format("{}{} bytes do not match shape [{}] of {}", Where(name), end - begin,
                              fmt::join(info.shape, ", "), dtype));
    }
    tensors_[name] = std::move(info);
  }

  // Throws Error unless each byte of the data belongs to one tensor. If the header or the data
  // lacks a byte, the tensors of an otherwise valid file are shifted.
  void CheckCover() const {
    std::vector<std::pair<std::pair<uint64_t, uint64_t>, std::string>> ranges;
    for (const auto& [name, range] : offsets_) {
      if (range.first != range.second) ranges.emplace_back(range, name);
    }
    std::sort(ranges.begin(), ranges.end());
    uint64_t covered = 0;
    for (size_t i = 0; i < ranges.size(); ++i) {
      const auto& [begin, end] = ranges[i].first;
      if (begin < covered)
        throw Error(
            fmt::format("{}overlaps tensor '{}'", Where(ranges[i].second), ranges[i - 1].second));
      CheckGap(covered, begin);
      covered = end;
    }
    CheckGap(covered, mapping_->size() - data_begin_);
  }

  void CheckGap(uint64_t begin, uint64_t end) const {
    if (begin < end)
      throw Error(
          fmt::format("{}no tensor has the bytes [{}, {}) of the data", Where(), begin, end),
          "the file is damaged, or another program has added something to it");
  }

  fs::path path_;
  std::shared_ptr<Mapping> mapping_;
  size_t data_begin_ = 0;
  std::map<std::string, TensorInfo> tensors_;
  std::map<std::string, std::string> metadata_;
  // begin and end, relative to the end of the header
  std::map<std::string, std::pair<uint64_t, uint64_t>> offsets_;
};

}  // namespace

std::unique_ptr<TensorFile> OpenSafetensors(const fs::path& path) {
  return std::make_unique<SafetensorsFile>(path);
}

void WriteSafetensors(const fs::path& path, const std::map<std::string, at::Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const auto* dtype =
        std::find_if(std::begin(kDtypes), std::end(kDtypes),
                     [type = tensor.scalar_type()](const auto& d) { return d.second == type; });
    if (dtype == std::end(kDtypes))
      throw Error(
          fmt::format("{}: tensor '{}' has a type that safetensors lacks", path.string(), name));
    header[name] = {{"dtype", dtype->first},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {offset, offset + tensor.nbytes()}}};
    offset += tensor.nbytes();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // aligns the data to 8 bytes
  WriteFile(path, [&](std::ostream& out) {
    const uint64_t size = text.size();
    out.write(reinterpret_cast<const char*>(&size), sizeof(size)) << text;
    for (const auto& [name, tensor] : tensors) {
      const at::Tensor bytes = tensor.detach().cpu().contiguous();
      out.write(static_cast<const char*>(bytes.data_ptr()),
                static_cast<std::streamsize>(bytes.nbytes()));
    }
  });
}

}  // namespace mambascope
