#include "mambascope/cli/models.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// The facts of the first model for another one's tokenizer.
FactWork Translate(const FactWork& work, const AskedFacts& asked, const Tokenizer& tokenizer) {
  FactWork own = work;
  if (asked.one) own.pairs = {*asked.one};
  for (size_t i = 0; i < own.facts.size(); ++i) {
    const Fact& fact = own.facts[i];
    FactPair& pair = own.pairs[i];
    pair.clean = MakePrompt(tokenizer, fact.pattern, fact.subject);
    if (pair.corrupt) pair.corrupt = MakePrompt(tokenizer, fact.pattern, pair.corrupt->subject);
  }
  return own;
}

}  // namespace

void VisitModels(std::vector<std::string>& models, OptionVisitor& option) {
  option.Topic("Model");
  option(
      &models,
      {.names = "--model",
       .help = "Checkpoint folder, or a bundled model: demo, demo-mamba2 or demo-neox; "
               "repeatable. Several models run on facts that all of them know, and are in memory "
               "together; curves are drawn by relative depth. --tokenizer serves the models that "
               "have none",
       .decides = Decides::kSelection});
}

void CheckModels(const std::vector<std::string>& models, const FactArguments& facts) {
  std::set<fs::path> folders;
  for (const std::string& model : models) {
    std::error_code error;
    const fs::path folder = fs::weakly_canonical(fs::path(ModelFolder(model)) / "", error);
    Refuse(!folders.insert(folder).second,
           fmt::format("--model {} is the same model as an earlier --model", model).c_str());
  }
  Refuse(models.size() > 1 && facts.prompt && !facts.answer,
         "with several models, one fact needs --answer");
}

std::vector<std::string> NameModels(const std::vector<std::string>& models) {
  std::vector<std::string> names;
  for (const std::string& model : models) {
    const std::string folder = FolderName(model);
    std::string name = folder;
    for (size_t n = names.size() + 1; std::find(names.begin(), names.end(), name) != names.end();
         ++n)
      name = fmt::format("{}-{}", folder, n);
    names.push_back(name);
  }
  return names;
}

std::vector<std::vector<std::string>> StoreNames(const std::string& command,
                                                 const std::vector<std::string>& models,
                                                 const std::vector<std::string>& parts) {
  std::vector<std::vector<std::string>> names;
  for (const std::string& model : NameModels(models)) {
    names.emplace_back();
    for (std::string part : parts) {
      std::replace(part.begin(), part.end(), '/', '_');
      names.back().push_back(command + (models.size() > 1 ? "." + model : "") +
                             (parts.size() > 1 ? "." + part : ""));
    }
  }
  return names;
}

std::vector<LoadedModel> LoadModels(const CommonArguments& common,
                                    const std::vector<std::string>& models) {
  const std::vector<std::string> names = NameModels(models);
  std::vector<LoadedModel> loaded;
  for (size_t i = 0; i < models.size(); ++i) {
    CommonArguments own = common;
    own.model = models[i];
    if (models.size() > 1 && Tokenizer::Exists(ModelFolder(own.model))) own.tokenizer.clear();
    Tokenizer tokenizer = RequireTokenizer(own);
    Model model = LoadModel(own, &tokenizer);
    loaded.push_back({names[i], own, std::move(tokenizer), std::move(model)});
  }
  return loaded;
}

std::vector<AskedFacts> ReadFacts(const CommonArguments& common, const FactArguments& o,
                                  const std::vector<LoadedModel>& models) {
  std::vector<AskedFacts> asked = {
      ReadFacts(common, o, models.at(0).model, models.at(0).tokenizer)};
  for (size_t i = 1; i < models.size(); ++i) {
    AskedFacts own = asked[0];
    if (own.one) own.one = OneFact(o, models[i].tokenizer);
    own.noise = MakeNoise(common, o, models[i].model, models[i].tokenizer, own.subjects);
    asked.push_back(std::move(own));
  }
  return asked;
}

std::vector<FactWork> ChooseFacts(const CommonArguments& common, const FactArguments& o,
                                  const std::vector<AskedFacts>& asked,
                                  const std::vector<LoadedModel>& models) {
  std::vector<FurtherModel> others;
  for (size_t i = 1; i < models.size(); ++i)
    others.push_back({&models[i].model, &models[i].tokenizer});
  std::vector<FactWork> work = {
      ChooseFacts(common, o, asked.at(0), models.at(0).model, models.at(0).tokenizer, others)};
  for (size_t i = 1; i < models.size(); ++i)
    work.push_back(Translate(work[0], asked[i], models[i].tokenizer));
  return work;
}

}  // namespace mambascope
