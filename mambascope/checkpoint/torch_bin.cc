// Layout of PyTorch's .bin: a zip with ROOT/data.pkl (the pickle of a dictionary of tensors) and
// one entry ROOT/data/KEY for each raw storage.
#include <ATen/Functions.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>

#include "mambascope/checkpoint/pickle.h"
#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/checkpoint/zip.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxPickle = 8 << 20;  // the pickle of a thousand tensors takes about 100 kB
constexpr std::pair<std::string_view, at::ScalarType> kStorages[] = {
    {"FloatStorage", at::kFloat},   {"HalfStorage", at::kHalf}, {"BFloat16Storage", at::kBFloat16},
    {"DoubleStorage", at::kDouble}, {"LongStorage", at::kLong}, {"IntStorage", at::kInt},
    {"ByteStorage", at::kByte},     {"BoolStorage", at::kBool}};

class TorchBinFile : public TensorFile {
 public:
  explicit TorchBinFile(const fs::path& path)
      : path_(path),
        zip_(path, "the file may be truncated; a .bin from before PyTorch 1.6 must be saved again",
             ZipReader::Entries::kStored) {
    const std::vector<std::string> names = zip_.Names();
    const auto pickle = std::find_if(names.begin(), names.end(),
                                     [](const std::string& n) { return n.ends_with("/data.pkl"); });
    if (pickle == names.end())
      throw Error(fmt::format("{}: lacks data.pkl, so torch.save did not write it", path.string()));
    root_ = pickle->substr(0, pickle->size() - std::string_view("data.pkl").size());
    const uint64_t size = zip_.Size(*pickle);
    if (size > kMaxPickle)
      throw Error(fmt::format("{}: data.pkl has {} bytes; at most {} are allowed", path.string(),
                              size, kMaxPickle));
    std::string bytes(size, '\0');
    zip_.Read(*pickle, bytes.data());
    pickled_ = ReadTensorPickle(bytes, path.string());
    for (const auto& [name, tensor] : pickled_) {
      tensors_[name] = Describe(name, tensor);
      ++uses_[tensor.storage_key];
    }
  }

  const std::map<std::string, TensorInfo>& tensors() const override { return tensors_; }

  at::Tensor Read(const std::string& name) const override {
    const PickledTensor& p = pickled_.at(name);
    const at::Tensor storage = ReadStorage(p.storage_key).view(tensors_.at(name).dtype);
    return storage.as_strided(p.shape, p.strides, p.offset);
  }

 private:
  // The bytes of a storage. One that several tensors view is read once and kept.
  at::Tensor ReadStorage(const std::string& key) const {
    if (const auto found = shared_.find(key); found != shared_.end()) return found->second;
    const std::string entry = root_ + "data/" + key;
    const auto size = static_cast<int64_t>(zip_.Size(entry));
    const at::Tensor bytes = at::empty({size}, at::TensorOptions().dtype(at::kByte));
    zip_.Read(entry, bytes.data_ptr());
    if (uses_.at(key) > 1) shared_[key] = bytes;
    return bytes;
  }

  TensorInfo Describe(const std::string& name, const PickledTensor& p) const {
    const auto* known = std::find_if(std::begin(kStorages), std::end(kStorages),
                                     [&](const auto& s) { return s.first == p.storage_type; });
    const at::ScalarType dtype =
        known == std::end(kStorages) ? at::ScalarType::Undefined : known->second;
    if (dtype != at::ScalarType::Undefined) CheckRange(name, p, c10::elementSize(dtype));
    return {dtype, p.storage_type, p.shape};
  }

  // Checks that the strided view stays inside the storage and that the storage has the size that
  // the pickle states.
  void CheckRange(const std::string& name, const PickledTensor& p, size_t element) const {
    const std::string where = fmt::format("{}: tensor '{}': ", path_.string(), name);
    int64_t last = p.offset, elements = 1;
    bool fits = p.offset >= 0 && p.storage_size >= 0 && p.shape.size() == p.strides.size(),
         empty = false;
    for (size_t i = 0; fits && i < p.shape.size(); ++i) {
      int64_t reach = 0;
      fits = p.shape[i] >= 0 && p.strides[i] >= 0 &&
             !__builtin_mul_overflow(std::max<int64_t>(p.shape[i] - 1, 0), p.strides[i], &reach) &&
             !__builtin_add_overflow(last, reach, &last) &&
             !__builtin_mul_overflow(elements, p.shape[i], &elements);
      empty = empty || p.shape[i] == 0;
    }
    if (!fits || (!empty && last >= p.storage_size))
      throw Error(where + "runs outside its storage");
    const uint64_t stored = zip_.Size(root_ + "data/" + p.storage_key);
    if (stored / element != static_cast<uint64_t>(p.storage_size) || stored % element != 0) {
      throw Error(fmt::format("{}the storage has {} bytes; expected {} elements of {}", where,
                              stored, p.storage_size, p.storage_type));
    }
  }

  fs::path path_;
  ZipReader zip_;
  std::string root_;
  std::map<std::string, PickledTensor> pickled_;
  std::map<std::string, TensorInfo> tensors_;
  std::map<std::string, int> uses_;                   // number of tensors of a storage, by its key
  mutable std::map<std::string, at::Tensor> shared_;  // storages of several tensors, by key
};

}  // namespace

std::unique_ptr<TensorFile> OpenTorchBin(const fs::path& path) {
  return std::make_unique<TorchBinFile>(path);
}

}  // namespace mambascope
