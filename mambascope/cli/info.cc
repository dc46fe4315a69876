#include <fmt/format.h>

#include "mambascope/cli/commands.h"
#include "mambascope/plural.h"

namespace mambascope {

namespace {

class InfoCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& /*option*/) override {}

  void Run() override {
    const std::optional<Tokenizer> tokenizer = TryTokenizer(common);
    const Model model = LoadModel(common, tokenizer ? &*tokenizer : nullptr);
    Json sites = Json::array(), projections = Json::array();
    std::string site_list, projection_list;
    for (const SiteInfo& site : model.sites()) {
      sites.push_back({{"name", SiteName(site.site)}, {"width", site.width}});
      site_list +=
          fmt::format("{}{} ({})", site_list.empty() ? "" : ", ", SiteName(site.site), site.width);
    }
    for (const std::string& name : model.projections()) {
      projections.push_back(name);
      projection_list += (projection_list.empty() ? "" : ", ") + name;
    }
    const Config& c = model.config();
    Print(common,
          {{"architecture", c.model_type},
           {"layers", c.layers},
           {"d_model", c.d_model},
           {"vocab", c.vocab},
           {"parameters", model.parameters()},
           {"sites", sites},
           {"projections", projections},
           {"tokenizer", tokenizer ? Json{{"tokens", tokenizer->vocab_size()}} : Json()}},
          fmt::format("architecture  {}\nlayers        {}\nd_model       {}\nvocabulary    "
                      "{}\nparameters    {}\nsites (width) "
                      "{}\nprojections   {}\ntokenizer     {}\n",
                      c.model_type, c.layers, c.d_model, c.vocab, model.parameters(), site_list,
                      projection_list,
                      tokenizer ? Count(tokenizer->vocab_size(), "token")
                                : "none in the folder: give one with --tokenizer, or --ids"));
  }
};

}  // namespace

std::unique_ptr<Command> MakeInfo() { return std::make_unique<InfoCommand>(); }

}  // namespace mambascope
