// Stores edits in a file of their own, from which an edited checkpoint can be made. docs/formats.md
// has the layout.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

struct StoredEdits {
  std::vector<Edit> edits;
  std::string model;       // fingerprint of the edited checkpoint
  std::string about = {};  // description of the edits, for people
};

// Writes a safetensors file. REQUIRES: !stored.edits.empty()
void WriteEdits(const std::filesystem::path& file, const StoredEdits& stored);

// Throws Error when WriteEdits did not write the file.
StoredEdits ReadEdits(const std::filesystem::path& file);

// Returns the fingerprint of the checkpoint that the edited checkpoint in `folder` was made from.
// Of an edit of an edited checkpoint, it is that of the first. Empty for a checkpoint that no edit
// made. Throws Error when model.safetensors cannot be read.
std::string BaseFingerprint(const std::filesystem::path& folder);

enum class EditedType { kFloat32, kAsStored };

// What becomes of the checkpoint that another edit wrote to the same folder.
enum class OtherEdit { kRefuse, kReplace };

// Applies edits to the checkpoint in `folder` and writes the result to `out`: all tensors in one
// model.safetensors, and copies of its other files. `model` is the checkpoint's. With kFloat32,
// edited tensors become float32, so that the written checkpoint computes what Model::Edited
// computes. With kAsStored they keep their stored type. Throws Error when Model::Edited does, and
// when a file cannot be read or written. Throws Error, too, when `out` is the checkpoint's own
// folder, or holds a checkpoint that no edit made. With kRefuse it throws for the checkpoint of
// another edit or number format, and for other files that would be replaced. Links in `out` are
// replaced by files, and what they name stays as it is.
void WriteEditedCheckpoint(const std::filesystem::path& folder, const Model& model,
                           const std::vector<Edit>& edits, const std::filesystem::path& out,
                           EditedType type = EditedType::kFloat32,
                           OtherEdit other = OtherEdit::kRefuse);

}  // namespace mambascope
