#include "mambascope/cli/serve_edits.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/edit_contexts.h"
#include "mambascope/error.h"

namespace mambascope {

namespace fs = std::filesystem;

std::string KeptEdits::Add(KeptEdit edit) {
  const std::lock_guard lock(mutex_);
  items_.push_back({std::to_string(next_++), std::move(edit)});
  if (items_.size() > kMost) items_.pop_front();
  return items_.back().id;
}

std::list<KeptEdits::Item>::const_iterator KeptEdits::Find(const std::string& id) const {
  const auto found =
      std::find_if(items_.begin(), items_.end(), [&](const Item& item) { return item.id == id; });
  if (found == items_.end())
    throw Error(fmt::format("edit {} is not kept any more", id), "make it again");
  return found;
}

StoredEdits KeptEdits::Edits(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return Find(id)->edit.edits;
}

std::string KeptEdits::EditFile(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return Find(id)->edit.edit_file;
}

void KeptEdits::Discard(const std::string& id) {
  const std::lock_guard lock(mutex_);
  items_.erase(Find(id));
}

Json KeptEdits::Save(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = items_.erase(Find(id), Find(id));  // an empty range: the iterator to change
  const KeptEdit& edit = found->edit;
  if (!found->saved) {
    fs::path folder;
    for (int n = 1; folder.empty() || fs::exists(folder); ++n)
      folder = out_ / fmt::format("edit-{}", n);
    PrepareFolder(folder);
    WriteFile(folder / "edit.json", DumpJson(edit.result.json, 1) + "\n");
    WriteFile(folder / "edit.html", HtmlPage(edit.result.page));
    WriteFile(folder / "edit.safetensors", edit.edit_file);
    WriteFile(folder / kContextsFile, edit.contexts_file);
    found->saved = folder;
  }
  return {{"folder", found->saved->string()},
          {"files", {"edit.json", "edit.html", "edit.safetensors", kContextsFile}}};
}

}  // namespace mambascope
