#include "mambascope/checkpoint/zip.h"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <memory>

#include "mambascope/checkpoint/file.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostDeflated = 1032;  // highest compression ratio of deflate
// 1980-01-01, the earliest date of a zip entry.
constexpr zip_uint16_t kFirstDay = (0 << 9) | (1 << 5) | 1;

std::string Reason(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string why = zip_error_strerror(&error);
  zip_error_fini(&error);
  return why;
}

void AddStored(zip_t* zip, const std::string& name, const std::vector<std::string_view>& parts) {
  std::vector<zip_buffer_fragment_t> fragments;
  // libzip's fragments are not const because libzip may free them; it does not write to them.
  for (std::string_view part : parts)
    fragments.push_back(
        {reinterpret_cast<zip_uint8_t*>(const_cast<char*>(part.data())), part.size()});
  zip_source_t* source = zip_source_buffer_fragment(zip, fragments.data(), fragments.size(), 0);
  const zip_int64_t index =
      source == nullptr ? -1 : zip_file_add(zip, name.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0)
    throw Error(fmt::format("entry '{}' cannot be added to a zip: {}", name, zip_strerror(zip)));
  zip_set_file_compression(zip, static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0);
  zip_file_set_dostime(zip, static_cast<zip_uint64_t>(index), 0, kFirstDay, 0);
}

void CopyBytes(zip_source_t* source, std::ostream& out) {
  std::vector<char> block(1 << 20);
  if (zip_source_open(source) != 0) throw Error("a zip cannot be read from memory");
  zip_int64_t size = 0;
  while ((size = zip_source_read(source, block.data(), block.size())) > 0)
    out.write(block.data(), size);
  zip_source_close(source);
  if (size < 0) throw Error("a zip cannot be read from memory");
}

}  // namespace

ZipReader::ZipReader(const fs::path& path, const std::string& hint, Entries entries)
    : path_(path), entries_(entries) {
  RequireFile(path);
  int code = 0;
  zip_ = zip_open(path.c_str(), ZIP_RDONLY, &code);
  if (zip_ == nullptr)
    throw Error(fmt::format("{}: cannot be read as a zip: {}", path.string(), Reason(code)), hint);
  file_size_ = fs::file_size(path);
}

ZipReader::~ZipReader() { zip_discard(zip_); }

std::vector<std::string> ZipReader::Names() const {
  std::vector<std::string> names;
  for (zip_int64_t i = 0; i < zip_get_num_entries(zip_, 0); ++i) {
    const char* name = zip_get_name(zip_, static_cast<zip_uint64_t>(i), 0);
    if (name != nullptr) names.emplace_back(name);
  }
  return names;
}

uint64_t ZipReader::Size(const std::string& entry) const {
  zip_stat_t info;
  if (zip_stat(zip_, entry.c_str(), 0, &info) != 0)
    throw Error(fmt::format("{}: lacks the entry '{}'", path_.string(), entry), "is it truncated?");
  if (info.comp_method != ZIP_CM_STORE && entries_ == Entries::kStored)
    throw Error(fmt::format("{}: entry '{}' is compressed; expected one that is stored as it is",
                            path_.string(), entry));
  // Checked before memory is allocated for the entry.
  const uint64_t most = info.comp_method == ZIP_CM_STORE ? file_size_ : file_size_ * kMostDeflated;
  if (info.size > most)
    throw Error(fmt::format("{}: entry '{}' claims {} bytes, but the file has {} bytes",
                            path_.string(), entry, info.size, file_size_));
  return info.size;
}

std::string ZipReader::Begin(const std::string& entry, uint64_t most) const {
  std::string bytes(std::min(Size(entry), most), '\0');
  zip_file_t* file = zip_fopen(zip_, entry.c_str(), 0);
  const zip_int64_t got = file == nullptr ? -1 : zip_fread(file, bytes.data(), bytes.size());
  if (file != nullptr) zip_fclose(file);
  if (got < 0 || static_cast<uint64_t>(got) != bytes.size())
    throw Error(fmt::format("{}: entry '{}' is corrupt", path_.string(), entry));
  return bytes;
}

void ZipReader::Read(const std::string& entry, void* to) const {
  const uint64_t size = Size(entry);
  zip_file_t* file = zip_fopen(zip_, entry.c_str(), 0);
  const zip_int64_t got = file == nullptr ? -1 : zip_fread(file, to, size);
  char beyond = 0;  // libzip compares checksums only when a read reaches the end
  const bool intact = file != nullptr && zip_fread(file, &beyond, 1) == 0;
  if (file != nullptr) zip_fclose(file);
  if (!intact || got < 0 || static_cast<uint64_t>(got) != size)
    throw Error(fmt::format("{}: entry '{}' is corrupt", path_.string(), entry));
}

void WriteZip(const fs::path& path,
              const std::map<std::string, std::vector<std::string_view>>& entries) {
  // The archive is made in memory: on disk, libzip would write to a temporary file of its own,
  // which stays behind when the program is killed.
  zip_source_t* archive = zip_source_buffer_create(nullptr, 0, 0, nullptr);
  zip_t* zip = archive == nullptr ? nullptr : zip_open_from_source(archive, ZIP_TRUNCATE, nullptr);
  if (zip == nullptr) {
    zip_source_free(archive);
    throw Error(fmt::format("{}: a zip cannot be made", path.string()));
  }
  const std::unique_ptr<zip_source_t, decltype(&zip_source_free)> kept(archive, zip_source_free);
  zip_source_keep(archive);  // `zip` has it, too
  try {
    for (const auto& [name, parts] : entries) AddStored(zip, name, parts);
    if (zip_close(zip) != 0)
      throw Error(fmt::format("{}: a zip cannot be made: {}", path.string(), zip_strerror(zip)));
  } catch (...) {
    zip_discard(zip);
    throw;
  }
  WriteFile(path, [&](std::ostream& out) { CopyBytes(archive, out); });
}

}  // namespace mambascope
