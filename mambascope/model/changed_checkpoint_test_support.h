// A golden checkpoint that a test changes: its config.json and the names of its weights.
#pragma once

#include <c10/core/GradMode.h>

#include <cmath>
#include <functional>
#include <map>
#include <string>

#include "mambascope/checkpoint/checkpoint.h"
#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/model.h"

namespace mambascope {

// Spells infinite numbers, which JSON lacks, as transformers does.
inline Json Spelled(Json value) {
  if (value.is_number_float() && std::isinf(value.get<double>()))
    return {{"__float__", "Infinity"}};
  if (value.is_structured()) {
    for (Json& child : value) child = Spelled(child);
  }
  return value;
}

struct ChangedCheckpoint {
  explicit ChangedCheckpoint(const std::string& golden) { Read(golden); }

  // Undoes all changes.
  void Read(const std::string& golden) {
    const Checkpoint checkpoint = Checkpoint::Open(GoldenFolder() / golden);
    config = checkpoint.config();
    tensors = checkpoint.All();
  }

  void Rename(const std::function<std::string(const std::string& name)>& renamed) {
    std::map<std::string, at::Tensor> all;
    for (const auto& [name, tensor] : tensors) all[renamed(name)] = tensor;
    tensors = all;
  }

  // Makes it the text model of a multimodal one, as LLaVA's class saves it.
  void Wrap() {
    config = {{"model_type", "llava"}, {"text_config", config}, {"vision_config", Json::object()}};
    Rename([](const std::string& name) { return "language_model." + name; });
    tensors["vision_tower.embeddings.weight"] = at::ones({3});
    tensors["multi_modal_projector.linear_1.bias"] = at::ones({3});
  }

  const std::filesystem::path& Write() const {
    WriteFile(folder.path() / "config.json", Spelled(config).dump());
    WriteSafetensors(folder.path() / "model.safetensors", tensors);
    return folder.path();
  }
  Model Load() const { return Model::Load(Write()); }
  std::string ErrorOfLoading() const {
    return ErrorOf([&] { Load(); });
  }

  Json config;
  std::map<std::string, at::Tensor> tensors;
  TempFolder folder;
};

// Logits [token, vocab] of a fixed prompt.
inline at::Tensor SomeLogits(const Model& model) {
  const c10::NoGradGuard no_grad;
  const std::vector<int64_t> ids = {5, 17, 33, 99, 120};
  return model.Unembed(model.Forward(ids, Packing::Whole({5})));
}

}  // namespace mambascope
