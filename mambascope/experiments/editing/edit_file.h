// Edits are data: what an edit changes is a file of its own, from which an edited checkpoint can be
// made. docs/formats.md has the layout.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

struct StoredEdits {
  std::vector<Edit> edits;
  std::string model;       // fingerprint of the checkpoint that they are of
  std::string about = {};  // what they rewrite, for people
};

// A safetensors file. REQUIRES: !stored.edits.empty()
void WriteEdits(const std::filesystem::path& file, const StoredEdits& stored);

// Throws Error when the file is none that WriteEdits wrote.
StoredEdits ReadEdits(const std::filesystem::path& file);

enum class EditedType { kFloat32, kAsStored };

// Writes the checkpoint in `folder`, edited, to `out`: its tensors in one model.safetensors, and
// copies of its other files. The edited tensors become float32, so that the written checkpoint is
// what Model::Edited computes with, or stay of the type they are stored in. `model` is the
// checkpoint's. Throws Error as Model::Edited does, and for what cannot be read or written. It
// throws Error, too, when `out` is the checkpoint's own folder, or holds a checkpoint that no edit
// made.
void WriteEditedCheckpoint(const std::filesystem::path& folder, const Model& model,
                           const std::vector<Edit>& edits, const std::filesystem::path& out,
                           EditedType type = EditedType::kFloat32);

}  // namespace mambascope
