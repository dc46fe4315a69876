#include <fmt/format.h>

#include "mambascope/cli/commands.h"
#include "mambascope/plural.h"

namespace mambascope {
namespace {

// "layers 0-2, 4-6, 8", or "layer 3"
std::string LayersText(const std::vector<int>& layers) {
  std::string text;
  for (size_t i = 0; i < layers.size(); ++i) {
    const size_t begin = i;
    while (i + 1 < layers.size() && layers[i + 1] == layers[i] + 1) ++i;
    text += text.empty() ? "" : ", ";
    text += begin == i ? std::to_string(layers[i]) : fmt::format("{}-{}", layers[begin], layers[i]);
  }
  return (layers.size() == 1 ? "layer " : "layers ") + text;
}

std::string MixersText(const std::vector<int>& scans, const std::vector<int>& attention) {
  std::string text;
  if (!scans.empty()) text = "recurrence in " + LayersText(scans);
  if (!attention.empty())
    text += (text.empty() ? "" : "; ") + ("attention in " + LayersText(attention));
  return text;
}

class InfoCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& /*option*/) override {}

  void Run() override {
    const std::optional<Tokenizer> tokenizer = TryTokenizer(common);
    const Model model = LoadModel(common, tokenizer ? &*tokenizer : nullptr);
    Json sites = Json::array(), projections = Json::array(), shared = Json::array();
    std::string site_list, projection_list, shared_list;
    for (const SiteInfo& site : model.sites()) {
      sites.push_back({{"name", SiteName(site.site)}, {"width", site.width}});
      site_list +=
          fmt::format("{}{} ({})", site_list.empty() ? "" : ", ", SiteName(site.site), site.width);
    }
    for (const std::string& name : model.projections()) {
      projections.push_back(name);
      projection_list += (projection_list.empty() ? "" : ", ") + name;
      for (const int layer : model.LayersWith(name)) {
        const std::vector<int> layers = model.LayersSharing(layer, name);
        if (layers.size() == 1 || layers[0] != layer) continue;
        shared.push_back({{"projection", name}, {"layers", layers}});
        shared_list += fmt::format("\nshared        {} of {}", name, LayersText(layers));
      }
    }
    const std::vector<int> scans = model.LayersWith(MixerKind::kScan),
                           attention = model.LayersWith(MixerKind::kAttention);
    const Config& c = model.config();
    Print(common,
          {{"architecture", c.model_type},
           {"layers", c.layers},
           {"d_model", c.d_model},
           {"vocab", c.vocab},
           {"parameters", model.parameters()},
           {"sites", sites},
           {"projections", projections},
           {"mixers", {{"mamba", scans}, {"attention", attention}}},
           {"shared_weights", shared},
           {"tokenizer", tokenizer ? Json{{"tokens", tokenizer->vocab_size()}} : Json()}},
          fmt::format("architecture  {}\nlayers        {}\nd_model       {}\nvocabulary    "
                      "{}\nparameters    {}\nsites (width) "
                      "{}\nmixers        {}\nprojections   {}{}\ntokenizer     {}\n",
                      c.model_type, c.layers, c.d_model, c.vocab, model.parameters(), site_list,
                      MixersText(scans, attention), projection_list, shared_list,
                      tokenizer ? Count(tokenizer->vocab_size(), "token")
                                : "none in the folder: give one with --tokenizer, or --ids"));
  }
};

}  // namespace

std::unique_ptr<Command> MakeInfo() { return std::make_unique<InfoCommand>(); }

}  // namespace mambascope
