// PyTorch's .bin: a zip with ROOT/data.pkl (the pickle of a dictionary of tensors) and one raw storage per entry ROOT/data/KEY.
#include <ATen/Functions.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <zip.h>

#include <algorithm>

#include "mambascope/checkpoint/pickle.h"
#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxPickle = 8 << 20;  // a thousand tensors take about 100 kB
constexpr std::pair<std::string_view, at::ScalarType> kStorages[] = {
    {"FloatStorage", at::kFloat}, {"HalfStorage", at::kHalf}, {"BFloat16Storage", at::kBFloat16}, {"DoubleStorage", at::kDouble},
    {"LongStorage", at::kLong},   {"IntStorage", at::kInt},   {"ByteStorage", at::kByte},         {"BoolStorage", at::kBool}};

class Zip {
 public:
  explicit Zip(const fs::path& path) : path_(path) {
    int code = 0;
    zip_ = zip_open(path.c_str(), ZIP_RDONLY, &code);
    if (zip_ != nullptr) {
      file_size_ = fs::file_size(path);
      return;
    }
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw Error(fmt::format("{}: cannot be read as a zip: {}", path.string(), why),
                "a .bin from before PyTorch 1.6 must be saved again, or the file is truncated");
  }
  ~Zip() { zip_discard(zip_); }
  Zip(const Zip&) = delete;
  Zip& operator=(const Zip&) = delete;

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (zip_int64_t i = 0; i < zip_get_num_entries(zip_, 0); ++i) {
      const char* name = zip_get_name(zip_, static_cast<zip_uint64_t>(i), 0);
      if (name != nullptr) names.emplace_back(name);
    }
    return names;
  }
  // Bytes of an entry. torch.save does not compress, so an entry that claims more than the file holds is refused before it takes memory.
  uint64_t Size(const std::string& entry) const {
    zip_stat_t info;
    if (zip_stat(zip_, entry.c_str(), 0, &info) != 0)
      throw Error(fmt::format("{}: lacks the entry '{}'", path_.string(), entry), "is it truncated?");
    if (info.size > file_size_)
      throw Error(fmt::format("{}: entry '{}' claims {} bytes, the file has {}", path_.string(), entry, info.size, file_size_));
    return info.size;
  }
  // REQUIRES: `to` has room for Size(entry) bytes.
  void Read(const std::string& entry, void* to) const {
    const uint64_t size = Size(entry);
    zip_file_t* file = zip_fopen(zip_, entry.c_str(), 0);
    const zip_int64_t got = file == nullptr ? -1 : zip_fread(file, to, size);
    char beyond = 0;  // libzip compares checksums only where a read finds the end
    const bool intact = file != nullptr && zip_fread(file, &beyond, 1) == 0;
    if (file != nullptr) zip_fclose(file);
    if (!intact || got < 0 || static_cast<uint64_t>(got) != size)
      throw Error(fmt::format("{}: entry '{}' is corrupt", path_.string(), entry));
  }

 private:
  fs::path path_;
  zip_t* zip_;
  uint64_t file_size_ = 0;
};

class TorchBinFile : public TensorFile {
 public:
  explicit TorchBinFile(const fs::path& path) : path_(path), zip_(path) {
    const std::vector<std::string> names = zip_.Names();
    const auto pickle = std::find_if(names.begin(), names.end(), [](const std::string& n) { return n.ends_with("/data.pkl"); });
    if (pickle == names.end()) throw Error(fmt::format("{}: lacks data.pkl, so torch.save did not write it", path.string()));
    root_ = pickle->substr(0, pickle->size() - std::string_view("data.pkl").size());
    const uint64_t size = zip_.Size(*pickle);
    if (size > kMaxPickle) throw Error(fmt::format("{}: data.pkl of {} bytes, at most {} are allowed", path.string(), size, kMaxPickle));
    std::string bytes(size, '\0');
    zip_.Read(*pickle, bytes.data());
    pickled_ = ReadTensorPickle(bytes, path.string());
    for (const auto& [name, tensor] : pickled_) tensors_[name] = Describe(name, tensor);
  }

  const std::map<std::string, TensorInfo>& tensors() const override { return tensors_; }

  at::Tensor Read(const std::string& name) const override {
    const PickledTensor& p = pickled_.at(name);
    at::Tensor storage = at::empty({p.storage_size}, at::TensorOptions().dtype(tensors_.at(name).dtype));
    zip_.Read(root_ + "data/" + p.storage_key, storage.data_ptr());
    return storage.as_strided(p.shape, p.strides, p.offset);
  }

 private:
  TensorInfo Describe(const std::string& name, const PickledTensor& p) const {
    const auto* known = std::find_if(std::begin(kStorages), std::end(kStorages), [&](const auto& s) { return s.first == p.storage_type; });
    const at::ScalarType dtype = known == std::end(kStorages) ? at::ScalarType::Undefined : known->second;
    if (dtype != at::ScalarType::Undefined) CheckRange(name, p, c10::elementSize(dtype));
    return {dtype, p.storage_type, p.shape};
  }

  // The strided view must stay inside the storage, and the storage must be as long as it says.
  void CheckRange(const std::string& name, const PickledTensor& p, size_t element) const {
    const std::string where = fmt::format("{}: tensor '{}': ", path_.string(), name);
    int64_t last = p.offset, elements = 1;
    bool fits = p.offset >= 0 && p.storage_size >= 0 && p.shape.size() == p.strides.size(), empty = false;
    for (size_t i = 0; fits && i < p.shape.size(); ++i) {
      int64_t reach = 0;
      fits = p.shape[i] >= 0 && p.strides[i] >= 0 && !__builtin_mul_overflow(std::max<int64_t>(p.shape[i] - 1, 0), p.strides[i], &reach) &&
             !__builtin_add_overflow(last, reach, &last) && !__builtin_mul_overflow(elements, p.shape[i], &elements);
      empty = empty || p.shape[i] == 0;
    }
    if (!fits || (!empty && last >= p.storage_size)) throw Error(where + "runs outside its storage");
    const uint64_t stored = zip_.Size(root_ + "data/" + p.storage_key);
    if (stored / element != static_cast<uint64_t>(p.storage_size) || stored % element != 0) {
      throw Error(fmt::format("{}storage holds {} bytes, {} elements of {} were expected", where, stored, p.storage_size, p.storage_type));
    }
  }

  fs::path path_;
  Zip zip_;
  std::string root_;
  std::map<std::string, PickledTensor> pickled_;
  std::map<std::string, TensorInfo> tensors_;
};

}  // namespace

std::unique_ptr<TensorFile> OpenTorchBin(const fs::path& path) { return std::make_unique<TorchBinFile>(path); }

}  // namespace mambascope
