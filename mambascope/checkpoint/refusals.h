// Refuses folders and files that look like a checkpoint, but whose weights cannot be read as they
// are. Every Error says what the folder holds and what to do.
#pragma once

#include <filesystem>
#include <map>
#include <string_view>

#include "mambascope/checkpoint/tensor_file.h"

namespace mambascope {

// Throws Error for an adapter (LoRA), and for a folder without config.json.
void RefuseOtherFolders(const std::filesystem::path& folder);

// Throws Error if `bytes`, the beginning of `file`, are those of a Git LFS pointer. A folder has
// such short texts in place of its large files if Git cloned it without LFS.
void RefuseLfsPointer(std::string_view bytes, const std::filesystem::path& file);

// Throws Error if the folder holds weights in a format that is not read, such as GGUF or ONNX. Call
// it for a folder without weights that can be read.
void RefuseOtherFormats(const std::filesystem::path& folder);

// Throws Error if the names of `file`'s tensors are those of an adapter, of quantised
// weights, or of Mistral's or Llama's own format.
void RefuseOtherTensors(const std::filesystem::path& file,
                        const std::map<std::string, TensorInfo>& tensors);

// What to do with quantised weights.
inline constexpr const char* kQuantisedHint =
    "take the unquantised model, or dequantise it with transformers: model.dequantize(), then "
    "model.save_pretrained(FOLDER)";

}  // namespace mambascope
