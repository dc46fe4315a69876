#include <ATen/ATen.h>
#include <fmt/format.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/interrupt.h"
#include "mambascope/cli/output.h"
#include "mambascope/error.h"
#include "mambascope/intervene/run.h"
#include "mambascope/memory.h"
#include "mambascope/model/ops.h"
#include "mambascope/plural.h"

namespace mambascope {
namespace {

// The places of the named sites: in the layer that a name gives, else in all layers that have the
// site. Without names, all sites. The embedding is always among them.
std::vector<Place> StatePlaces(const Model& model, const std::vector<std::string>& names) {
  std::vector<NamedPlace> named;
  for (const std::string& name : names)
    named.push_back(ParsePlace(name, model.sites(), model.layers()));
  if (names.empty()) {
    for (const SiteInfo& info : model.sites()) named.push_back({info.site, std::nullopt});
  }
  std::vector<Place> places = {{Site::kEmbed, kEmbedLayer}};
  for (const auto& [site, layer] : named) {
    if (layer && site != Site::kEmbed) places.push_back({site, *layer});
    for (int l : layer ? std::vector<int>() : model.LayersWith(site)) places.push_back({site, l});
  }
  return places;
}

// What the file says of the run that made it.
std::map<std::string, std::string> StatesMetadata(const RunDescription& run) {
  return {{"command", "states"},
          {"model", run.options.at("model").get<std::string>()},
          {"made_by", FingerprintText(DumpJson(run.identity))}};
}

// Throws Error where the file is there already, and not of the same run.
void RefuseOtherStates(const std::string& file, const RunDescription& run) {
  if (!std::filesystem::exists(file)) return;
  std::string holds = "a file that `states` did not write";
  try {
    std::map<std::string, std::string> metadata = OpenSafetensors(file)->metadata();
    if (metadata["made_by"] == StatesMetadata(run)["made_by"]) return;
    if (metadata["command"] == "states")
      holds = fmt::format("the result of another run, states of {}", metadata["model"]);
  } catch (const Error&) {  // no safetensors file
  }
  throw Error(fmt::format("{} is {}", file, holds),
              "name another file with --out OTHER, or overwrite it with --force");
}

// Throws Error unless the states and the logits of a prompt fit the memory.
void RequireStates(const Model& model, const std::vector<Place>& places, int64_t tokens) {
  int64_t width = 2 * model.config().vocab;  // logits, and what they are computed from
  for (const Place& place : places) width += model.width(place);
  RequireMemory(
      tokens * width * kFloatBytes,
      fmt::format("the states of {} at {}", Count(tokens, "token"), Count(places.size(), "place")),
      "name fewer sites with --sites, or take a shorter prompt");
}

class StatesCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    VisitPromptOptions(prompt_, option);
    option.Topic("Output");
    option(&sites_, {.names = "--sites",
                     .help = "Sites to write, as resid,ssm_out; a name may hold a layer, as "
                             "resid.3 or blocks.3.hook_resid_post",
                     .otherwise = "all sites of the model",
                     .list = List::kCommas});
    option(&out_, {.names = "--out",
                   .help = "File to write (safetensors)",
                   .bounds = NotEmpty(),
                   .decides = Decides::kConduct,
                   .presence = OptionInfo::Presence::kRequired});
    VisitForceOption(force_, option);
  }

  void Run() override {
    PrepareFile(out_);
    const RunDescription description = DescribeRun("states", *this);
    if (!force_) RefuseOtherStates(out_, description);
    const std::vector<int64_t> ids =
        PromptIds(common, prompt_, prompt_.ids.empty() ? LoadTokenizer(common) : std::nullopt);
    const Model model = LoadModel(common);
    WarnOfLength(common, model, static_cast<int64_t>(ids.size()));
    const std::vector<Place> places = StatePlaces(model, sites_);
    RequireStates(model, places, static_cast<int64_t>(ids.size()));
    const RunResult run = mambascope::Run(model, {ids}, {.variants = {}, .keep = places});
    std::map<std::string, at::Tensor> tensors = {{"logits", run.Logits(0)},
                                                 {"tokens", at::tensor(ids, at::kLong)}};
    RequireFinite(tensors.at("logits"), "a logit");
    for (const Place& place : places) tensors[PlaceName(place)] = run.State(place, 0);
    {
      const auto whole = HoldFiles();
      WriteSafetensors(out_, tensors, StatesMetadata(description));
      SayWhenStopped(WhenStopped::kWritten);
    }
    Print(common, {{"file", out_}, {"tensors", tensors.size()}, {"tokens", ids.size()}},
          fmt::format("{} of {} in {}\n", Count(tensors.size(), "tensor"),
                      Count(ids.size(), "token"), out_));
  }

 private:
  PromptArguments prompt_;
  std::vector<std::string> sites_;
  std::string out_;
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> MakeStates() { return std::make_unique<StatesCommand>(); }

}  // namespace mambascope
