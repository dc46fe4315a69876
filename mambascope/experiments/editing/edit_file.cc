#include "mambascope/experiments/editing/edit_file.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include "mambascope/checkpoint/checkpoint.h"
#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/checkpoint/json.h"
#include "mambascope/error.h"
#include "mambascope/model/kernels/product.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// Names of the tensors. A single rank-one edit has u [in] and v [out]; other files have u.0 [k,
// in], v.0 [k, out], u.1, and so on.
std::string Name(const std::string& part, size_t i, bool alone) {
  return alone ? part : fmt::format("{}.{}", part, i);
}

// Metadata keys of an edited checkpoint: a digest of its edits, and the unedited checkpoint's
// fingerprint.
constexpr const char* kEdited = "mambascope.edited";
constexpr const char* kBase = "mambascope.base";

bool IsWeightFile(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.ends_with(".safetensors") || name.ends_with(".bin") ||
         name.ends_with(".safetensors.index.json") || name.ends_with(".bin.index.json");
}

// Identifies the checkpoint that these edits make of the one with this fingerprint.
std::string EditsDigest(const std::string& fingerprint, const std::vector<Edit>& edits,
                        EditedType type) {
  Digest digest;
  digest.Add(fingerprint);
  digest.Add(type == EditedType::kFloat32 ? "float32" : "as stored");
  for (const Edit& edit : edits) {
    digest.Add(edit.u);
    digest.Add(edit.v);
  }
  return digest.Text();
}

// Throws Error when `out` holds a checkpoint that is not an edited one. Its weights would be lost,
// or be read together with the new ones. With kRefuse it throws for one of other edits, too.
void RefuseOtherCheckpoint(const fs::path& out, const std::string& edits, OtherEdit other) {
  for (const fs::directory_entry& entry : fs::directory_iterator(out)) {
    const std::string name = entry.path().filename().string();
    if (!IsWeightFile(name) || !(name.starts_with("model") || name.starts_with("pytorch_model")))
      continue;
    std::string found;
    if (name == "model.safetensors") found = OpenSafetensors(entry.path())->metadata()[kEdited];
    if (found.empty())
      throw Error(fmt::format("{}: holds another checkpoint's {}", out.string(), name),
                  "use another folder for the edited checkpoint");
    if (found != edits && other == OtherEdit::kRefuse)
      throw Error(fmt::format("{}: holds the checkpoint of another edit", out.string()),
                  "use another folder, or overwrite it with --force");
  }
}

// The files of the checkpoint in `folder` that an edited one has, too.
std::vector<fs::path> OtherFiles(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() && !IsWeightFile(entry.path())) files.push_back(entry.path());
  }
  return files;
}

// Throws Error when `out` has another file of one of these names.
void RefuseOtherFiles(const std::vector<fs::path>& files, const fs::path& out) {
  for (const fs::path& file : files) {
    const fs::path there = out / file.filename();
    if (fs::exists(there) && ReadFile(there) != ReadFile(file))
      throw Error(fmt::format("{}: holds another {}", out.string(), file.filename().string()),
                  "use another folder, or overwrite it with --force");
  }
}

// Applies one edit to `weights`.
void Apply(const Model& model, const Edit& edit, EditedType type,
           std::map<std::string, at::Tensor>& weights) {
  const EditableWeight place = model.editable(edit.layer, edit.projection);
  at::Tensor& stored = weights.at(place.tensor);
  const at::Tensor whole = stored.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  const at::Tensor rows =
      (place.transposed ? whole.t() : whole).narrow(0, place.row, edit.v.size(1));
  rows.add_(Product(edit.v.cpu().to(at::kFloat).t(), edit.u.cpu().to(at::kFloat)));
  stored = type == EditedType::kFloat32 ? whole : whole.to(stored.scalar_type());
  for (const int layer : model.LayersSharing(edit.layer, edit.projection)) {
    const auto copy = weights.find(model.editable(layer, edit.projection).copy);
    if (copy != weights.end()) copy->second = stored;
  }
}

}  // namespace

void WriteEdits(const fs::path& file, const StoredEdits& stored) {
  const bool alone = stored.edits.size() == 1 && stored.edits[0].u.size(0) == 1;
  std::map<std::string, at::Tensor> tensors;
  Json list = Json::array();
  for (size_t i = 0; i < stored.edits.size(); ++i) {
    const Edit& edit = stored.edits[i];
    list.push_back({{"layer", edit.layer}, {"projection", edit.projection}});
    tensors[Name("u", i, alone)] = alone ? edit.u[0] : edit.u;
    tensors[Name("v", i, alone)] = alone ? edit.v[0] : edit.v;
  }
  WriteSafetensors(file, tensors,
                   {{"format", "mambascope-edit"},
                    {"edits", list.dump()},
                    {"model", stored.model},
                    {"about", stored.about}});
}

StoredEdits ReadEdits(const fs::path& file) {
  const std::unique_ptr<TensorFile> tensors = OpenSafetensors(file);
  std::map<std::string, std::string> metadata = tensors->metadata();
  const auto broken = [&](const std::string& what) {
    return Error(file.string() + ": is not an edit that mambascope wrote: " + what,
                 "`mambascope edit` writes edit.safetensors");
  };
  if (metadata["format"] != "mambascope-edit")
    throw broken("its metadata lacks the format mambascope-edit");
  const Json list = ParseJson(metadata["edits"], file.string());
  StoredEdits stored{.edits = {}, .model = metadata["model"], .about = metadata["about"]};
  if (!list.is_array() || list.empty()) throw broken("it lists no edits");
  for (size_t i = 0; i < list.size(); ++i) {
    const auto tensor = [&](const std::string& part) {
      for (const bool alone : {true, false}) {
        const auto found = tensors->tensors().find(Name(part, i, alone));
        if ((alone && list.size() > 1) || found == tensors->tensors().end()) continue;
        const bool fits =
            found->second.dtype == at::kFloat && found->second.shape.size() == (alone ? 1 : 2);
        if (!fits) throw broken(fmt::format("tensor {} has a wrong type or shape", found->first));
        const at::Tensor x = tensors->Read(found->first);
        return alone ? x.unsqueeze(0) : x;
      }
      throw broken(fmt::format("edit {} lacks its tensor {}", i, part));
    };
    try {
      stored.edits.push_back({list[i].at("layer").get<int>(),
                              list[i].at("projection").get<std::string>(), tensor("u"),
                              tensor("v")});
    } catch (const Json::exception&) {
      throw broken(fmt::format("edit {} lacks its layer or projection", i));
    }
  }
  return stored;
}

std::string BaseFingerprint(const fs::path& folder) {
  const fs::path file = folder / "model.safetensors";
  if (!fs::exists(file)) return "";
  const std::map<std::string, std::string> metadata = OpenSafetensors(file)->metadata();
  const auto base = metadata.find(kBase);
  return base == metadata.end() ? "" : base->second;
}

void WriteEditedCheckpoint(const fs::path& folder, const Model& model,
                           const std::vector<Edit>& edits, const fs::path& out, EditedType type,
                           OtherEdit other) {
  c10::NoGradGuard no_grad;
  (void)model.Edited(edits);  // throws Error for edits that do not fit
  PrepareFolder(out);
  if (fs::equivalent(folder, out))
    throw Error(out.string() + " is the checkpoint's own folder",
                "the original checkpoint is never changed; use another folder");
  const std::string fingerprint = Fingerprint(folder), base = BaseFingerprint(folder),
                    digest = EditsDigest(fingerprint, edits, type);
  RefuseOtherCheckpoint(out, digest, other);
  const std::vector<fs::path> files = OtherFiles(folder);
  if (other == OtherEdit::kRefuse) RefuseOtherFiles(files, out);
  std::map<std::string, at::Tensor> weights = Checkpoint::Open(folder).All();
  for (const Edit& edit : edits) Apply(model, edit, type, weights);
  for (const fs::path& file : files) WriteFile(out / file.filename(), ReadFile(file));
  WriteSafetensors(
      out / "model.safetensors", weights,
      {{"format", "pt"}, {kEdited, digest}, {kBase, base.empty() ? fingerprint : base}});
}

}  // namespace mambascope
