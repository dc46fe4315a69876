#include "mambascope/cli/models.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "mambascope/model/kernels/batch_sizes.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

}  // namespace

void VisitModels(std::vector<std::string>& models, OptionVisitor& option) {
  option.Topic("Model");
  option(&models,
         {.names = "--model",
          .help =
              "Checkpoint folder, or a bundled model: demo, demo-mamba2, demo-hybrid or demo-neox; "
              "repeatable. Several models run on facts that all of them know, and are in memory "
              "together; curves are drawn by relative depth. --tokenizer applies to those "
              "that have none of their own",
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
    const std::vector<Model> on_devices = LoadModelOnDevices(own, &tokenizer);
    // A host hears of progress from one thread.
    const size_t each =
        own.host != nullptr ? 1 : WorkersOn(on_devices[0].device(), on_devices[0].parameters());
    std::vector<Model> workers;
    for (size_t n = 0; n < each; ++n)
      workers.insert(workers.end(), on_devices.begin(), on_devices.end());
    loaded.push_back({names[i], own, std::move(tokenizer), std::move(workers)});
  }
  return loaded;
}

}  // namespace mambascope
