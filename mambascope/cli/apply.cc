#include <fmt/format.h>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/interrupt.h"
#include "mambascope/cli/output.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/edit_file.h"
#include "mambascope/jobs/output_folder.h"

namespace mambascope {

namespace {

class ApplyCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    option.Topic("Files");
    option(&edit_, {.names = "--edit",
                    .help = "File of edits (edit.safetensors) that `mambascope edit` wrote",
                    .presence = OptionInfo::Presence::kRequired});
    option(&out_, {.names = "--out",
                   .help = "Folder for the edited checkpoint",
                   .bounds = NotEmpty(),
                   .decides = Decides::kConduct,
                   .presence = OptionInfo::Presence::kRequired});
    VisitForceOption(force_, option);
    option(&keep_type_, {.names = "--keep-type",
                         .help = "Round edited weights to the checkpoint's own number format "
                                 "instead of storing float32"});
  }

  void Run() override {
    const StoredEdits stored = ReadEditsOf(common, edit_);
    const std::filesystem::path folder = ModelFolder(common.model);
    const OutputFolder out(out_, {"model.safetensors"});
    const Model model = LoadModel(common);
    SayWhenStopped(WhenStopped::kIncomplete);
    WriteEditedCheckpoint(folder, model, stored.edits, out_,
                          keep_type_ ? EditedType::kAsStored : EditedType::kFloat32,
                          force_ ? OtherEdit::kReplace : OtherEdit::kRefuse);
    SayWhenStopped(WhenStopped::kWritten);
    Json edits = Json::array();
    std::string text = stored.about.empty() ? "" : stored.about + "\n";
    for (const Edit& edit : stored.edits) {
      edits.push_back(
          {{"layer", edit.layer}, {"projection", edit.projection}, {"rank", edit.u.size(0)}});
      text += fmt::format("{} at layer {}, rank {}\n", edit.projection, edit.layer, edit.u.size(0));
    }
    Print(common, {{"out", out_}, {"about", stored.about}, {"edits", edits}}, text + out_ + "\n");
  }

 private:
  std::string edit_, out_;
  bool force_ = false, keep_type_ = false;
};

}  // namespace

std::unique_ptr<Command> MakeApply() { return std::make_unique<ApplyCommand>(); }

}  // namespace mambascope
