#include "mambascope/cli/serve_edits.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/edit_contexts.h"
#include "mambascope/error.h"

namespace mambascope {

namespace fs = std::filesystem;

std::string KeptEdits::Add(KeptEdit edit) {
  const std::lock_guard lock(mutex_);
  // Another server's page must not take this edit for its own.
  const std::string id = fmt::format("{}{:08x}", next_++, std::random_device()());
  items_.push_back({id, std::make_shared<KeptEdit>(std::move(edit))});
  if (items_.size() > kMost) items_.pop_front();
  return items_.back().id;
}

std::list<KeptEdits::Item>::const_iterator KeptEdits::Find(const std::string& id) const {
  const auto found =
      std::find_if(items_.begin(), items_.end(), [&](const Item& item) { return item.id == id; });
  if (found == items_.end())
    throw Error(fmt::format("the server no longer has edit {}", id), "make it again");
  return found;
}

StoredEdits KeptEdits::Edits(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return Find(id)->edit->edits;
}

std::string KeptEdits::EditFile(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return Find(id)->edit->edit_file;
}

void KeptEdits::Discard(const std::string& id) {
  const std::lock_guard lock(mutex_);
  items_.erase(Find(id));
}

Json KeptEdits::Save(const std::string& id) {
  const std::lock_guard saving(saving_);  // one at a time, while others are read
  std::shared_ptr<const KeptEdit> edit;
  {
    const std::lock_guard lock(mutex_);
    edit = Find(id)->edit;
  }
  if (!saved_.contains(id)) {
    PrepareFolder(out_);
    fs::path folder;
    for (int n = 1; folder.empty() || !fs::create_directory(folder); ++n)
      folder = out_ / fmt::format("edit-{}", n);
    WriteFile(folder / "edit.json", DumpJson(edit->result.json, 1) + "\n");
    WriteFile(folder / "edit.html", HtmlPage(edit->result.page));
    WriteFile(folder / "edit.safetensors", edit->edit_file);
    WriteFile(folder / kContextsFile, edit->contexts_file);
    saved_[id] = folder;
  }
  return {{"folder", saved_.at(id).string()},
          {"files", {"edit.json", "edit.html", "edit.safetensors", kContextsFile}}};
}

}  // namespace mambascope
