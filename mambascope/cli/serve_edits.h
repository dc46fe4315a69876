// The edits that a server keeps until somebody saves or discards them.
#pragma once

#include <filesystem>
#include <list>
#include <mutex>
#include <optional>
#include <string>

#include "mambascope/cli/command_result.h"
#include "mambascope/experiments/editing/edit_file.h"

namespace mambascope {

// The result of one `edit`, and its files.
struct KeptEdit {
  CommandResult result;
  StoredEdits edits;
  std::string edit_file, contexts_file;  // contents of edit.safetensors and contexts.json
};

// May be used by several threads at once.
class KeptEdits {
 public:
  // Saved edits go to folders in `out`.
  explicit KeptEdits(std::filesystem::path out) : out_(std::move(out)) {}

  // Keeps an edit, and drops the oldest of more than kMost. Returns its id.
  std::string Add(KeptEdit edit);
  // These throw Error for an edit that is not kept.
  StoredEdits Edits(const std::string& id) const;
  std::string EditFile(const std::string& id) const;
  void Discard(const std::string& id);
  // Writes what `edit` writes to a new folder, once, and returns {folder, files}.
  Json Save(const std::string& id);

 private:
  static constexpr size_t kMost = 64;
  struct Item {
    std::string id;
    KeptEdit edit;
    std::optional<std::filesystem::path> saved = {};
  };
  std::list<Item>::const_iterator Find(const std::string& id) const;

  const std::filesystem::path out_;
  mutable std::mutex mutex_;  // guards what follows
  std::list<Item> items_;     // the oldest first
  int next_ = 1;
};

}  // namespace mambascope
