// The edits that a server keeps in memory, so that the page can try, save or discard them.
#pragma once

#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <mutex>
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

  // Keeps an edit, and returns its id. If there are more than kMost, it drops the oldest.
  std::string Add(KeptEdit edit);
  // These throw Error for an edit that was dropped or discarded.
  StoredEdits Edits(const std::string& id) const;
  std::string EditFile(const std::string& id) const;
  void Discard(const std::string& id);
  // Writes the files of `edit` to a new folder, and returns {folder, files}. A second call returns
  // the same folder.
  Json Save(const std::string& id);

 private:
  static constexpr size_t kMost = 64;
  struct Item {
    std::string id;
    std::shared_ptr<const KeptEdit> edit;
  };
  std::list<Item>::const_iterator Find(const std::string& id) const;

  const std::filesystem::path out_;
  mutable std::mutex mutex_;                            // guards the next two
  std::list<Item> items_;                               // the oldest first
  int next_ = 1;                                        // begins the next id
  std::mutex saving_;                                   // guards the next
  std::map<std::string, std::filesystem::path> saved_;  // folders by id
};

}  // namespace mambascope
