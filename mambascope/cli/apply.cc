#include <fmt/format.h>

#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/commands.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/edit_file.h"

namespace mambascope {

void Apply(CLI::App& command, CommonOptions& common) {
  struct Options {
    std::string edit, out;
    bool keep_type = false;
  };
  const auto o = std::make_shared<Options>();
  command.add_option("--edit", o->edit, "edit.safetensors that `mambascope edit` wrote")->required();
  command.add_option("--out", o->out, "folder for the edited checkpoint")->required();
  command.add_flag("--keep-type", o->keep_type, "store edited weights in the type that they have, not in float32: smaller, but rounded");
  command.callback([&common, o] {
    const StoredEdits stored = ReadEdits(o->edit);
    const std::filesystem::path folder = ModelFolder(common.model);
    if (const std::string model = Fingerprint(folder); stored.model != model) {
      throw Error(fmt::format("{} is an edit of another checkpoint ({}) than {} ({})", o->edit, stored.model, folder.string(), model),
                  "give the --model that it was made with");
    }
    const Model model = LoadModel(common);
    WriteEditedCheckpoint(folder, model, stored.edits, o->out, o->keep_type ? EditedType::kAsStored : EditedType::kFloat32);
    Json edits = Json::array();
    std::string text = stored.about.empty() ? "" : stored.about + "\n";
    for (const Edit& edit : stored.edits) {
      edits.push_back({{"layer", edit.layer}, {"projection", edit.projection}, {"rank", edit.u.size(0)}});
      text += fmt::format("{} at layer {}, rank {}\n", edit.projection, edit.layer, edit.u.size(0));
    }
    Print(common, {{"out", o->out}, {"about", stored.about}, {"edits", edits}}, text + o->out + "\n");
  });
}

}  // namespace mambascope
