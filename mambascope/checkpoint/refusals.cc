#include "mambascope/checkpoint/refusals.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "mambascope/checkpoint/file.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMergeHint =
    "merge the adapter into its model with peft, model.merge_and_unload(), and name the folder of "
    "model.save_pretrained(FOLDER)";
constexpr const char* kFormatHint =
    "take the model in the Hugging Face format: config.json with .safetensors files or "
    "pytorch_model.bin";

// A file's extension, and the format that it stands for.
struct Format {
  std::string_view extension, name;
};
constexpr std::array kOtherFormats = {Format{".gguf", "GGUF"}, Format{".h5", "TensorFlow"},
                                      Format{".msgpack", "Flax"}, Format{".onnx", "ONNX"}};

// A tensor whose name ends in `end` belongs to weights quantised with `method`, if a tensor whose
// name ends in `beside` instead exists too. An empty `beside` asks for no other tensor.
struct Quantised {
  std::string_view end, beside, method;
};
constexpr std::array kQuantised = {Quantised{".g_idx", "", "GPTQ"},
                                   Quantised{".qweight", "", "AWQ or GPTQ"},
                                   Quantised{".weight.absmax", "", "bitsandbytes (4 bits)"},
                                   Quantised{".SCB", "", "bitsandbytes (8 bits)"},
                                   Quantised{".weight_scale_inv", "", "FP8"},
                                   Quantised{"_blocks", "_scales", "MXFP4"},
                                   Quantised{".weight_packed", "", "compressed-tensors"},
                                   Quantised{".weight_scale", "", "compressed-tensors or FP8"},
                                   Quantised{".biases", ".scales", "MLX"}};

bool IsAdapter(std::string_view name) {
  return name.find(".lora_A.") != name.npos || name.find(".lora_B.") != name.npos ||
         name.ends_with(".lora_A") || name.ends_with(".lora_B");
}

// Returns how the tensor `name` is quantised, or an empty text.
std::string_view Quantisation(const std::string& name,
                              const std::map<std::string, TensorInfo>& tensors) {
  for (const auto& [end, beside, method] : kQuantised) {
    if (!name.ends_with(end)) continue;
    const std::string stem = name.substr(0, name.size() - end.size());
    if (beside.empty() || tensors.contains(stem + std::string(beside))) return method;
  }
  return "";
}

}  // namespace

void RefuseOtherFolders(const fs::path& folder) {
  std::error_code error;
  const auto has = [&](const char* name) { return fs::exists(folder / name, error); };
  if (has("adapter_config.json"))
    throw Error(folder.string() +
                    ": holds an adapter, such as LoRA (adapter_config.json), which is not read",
                kMergeHint);
  if (has("config.json")) return;
  if (has("params.json"))
    throw Error(
        folder.string() + ": lacks config.json; params.json is of Mistral's or Llama's own format",
        kFormatHint);
  RefuseOtherFormats(folder);
  throw Error((folder / "config.json").string() + " is missing: this is no checkpoint folder",
              has("snapshots") ? "name a folder in " + (folder / "snapshots").string()
                               : "name the folder that holds config.json and the weights");
}

void RefuseLfsPointer(std::string_view bytes, const fs::path& file) {
  if (bytes.starts_with("version https://git-lfs"))
    throw Error(file.string() + ": is a Git LFS pointer, and not the file itself",
                "run `git lfs pull` in its folder, or download the file");
}

void RefuseOtherFormats(const fs::path& folder) {
  const std::vector<std::string> files = FileNames(folder);
  for (const auto& [extension, name] : kOtherFormats) {
    const auto found =
        std::find_if(files.begin(), files.end(),
                     [&end = extension](const std::string& file) { return file.ends_with(end); });
    if (found != files.end())
      throw Error(fmt::format("{}: holds its weights in the format {} ({}), which is not read",
                              folder.string(), name, *found),
                  kFormatHint);
  }
}

void RefuseOtherTensors(const fs::path& file, const std::map<std::string, TensorInfo>& tensors) {
  for (const auto& [name, info] : tensors) {
    const std::string where = fmt::format("{}: tensor '{}' ", file.string(), name);
    if (IsAdapter(name)) throw Error(where + "belongs to a LoRA adapter", kMergeHint);
    if (const std::string_view method = Quantisation(name, tensors); !method.empty())
      throw Error(fmt::format("{}belongs to quantised weights ({}), which are not supported", where,
                              method),
                  kQuantisedHint);
    if (name == "tok_embeddings.weight")
      throw Error(where + "is of Mistral's or Llama's own format", kFormatHint);
  }
}

}  // namespace mambascope
