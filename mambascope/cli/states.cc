#include <ATen/ATen.h>
#include <fmt/format.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/cli/commands.h"
#include "mambascope/intervene/run.h"

namespace mambascope {
namespace {

std::string TensorName(const Place& place) {
  return place.site == Site::kEmbed ? "embed" : fmt::format("{}.{}", SiteName(place.site), place.layer);
}

// The places of the named sites in all layers that have them; of all sites when none is named.
std::vector<Place> Places(const Model& model, const std::vector<std::string>& names) {
  std::vector<Site> sites;
  for (const std::string& name : names) sites.push_back(ParseSite(name, model.sites()));
  if (names.empty()) {
    for (const SiteInfo& info : model.sites()) sites.push_back(info.site);
  }
  std::vector<Place> places = {{Site::kEmbed, kEmbedLayer}};
  for (Site site : sites) {
    for (int l : model.LayersWith(site)) places.push_back({site, l});
  }
  return places;
}

void RunStates(const CommonOptions& common, const PromptOptions& prompt, const std::vector<std::string>& sites, const std::string& out) {
  PrepareFile(out);
  const std::vector<int64_t> ids = PromptIds(prompt, LoadTokenizer(common));
  const Model model = LoadModel(common);
  const std::vector<Place> places = Places(model, sites);
  const RunResult run = Run(model, {ids}, {.variants = {}, .keep = places});
  std::map<std::string, at::Tensor> tensors = {{"logits", run.Logits(0)}, {"tokens", at::tensor(ids, at::kLong)}};
  for (const Place& place : places) tensors[TensorName(place)] = run.State(place, 0);
  WriteSafetensors(out, tensors);
  Print(common, {{"file", out}, {"tensors", tensors.size()}, {"tokens", ids.size()}},
        fmt::format("{} tensors of {} tokens in {}\n", tensors.size(), ids.size(), out));
}

}  // namespace

void States(CLI::App& command, CommonOptions& common) {
  struct Options {
    PromptOptions prompt;
    std::vector<std::string> sites;
    std::string out;
  };
  const auto options = std::make_shared<Options>();
  AddPromptOptions(command, options->prompt);
  command.add_option("--sites", options->sites, "as resid,ssm_out; without it, all that the model has")->delimiter(',');
  command.add_option("--out", options->out, "the .safetensors file to write")->required();
  command.callback([&common, options] { RunStates(common, options->prompt, options->sites, options->out); });
}

}  // namespace mambascope
