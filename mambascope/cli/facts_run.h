// The run of a command over facts, in one or several models.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mambascope/cli/models.h"

namespace mambascope {

// A run up to the point where its results are computed. Vectors have an item for each model.
struct FactsRun {
  // The runs of one model, one for each part (such as a site).
  using Describe =
      std::function<std::vector<RunDescription>(const LoadedModel&, const AskedFacts&)>;

  // Locks the folder, reads the facts, loads the models, refuses the folder of another run, opens
  // the stores, and chooses the facts. `parts` names the parts of results; one part needs no name.
  // `detail` ends the name of the default folder. Throws Error. REQUIRES: CheckFacts, CheckModels.
  FactsRun(const std::string& command, const CommonArguments& common,
           const FactArguments& arguments, const std::vector<std::string>& models,
           const std::vector<std::string>& parts, const std::string& detail,
           const Describe& describe);

  std::vector<std::vector<std::string>> names;  // of the stores, [model][part]
  OutputFolder folder;
  std::vector<LoadedModel> models;
  std::vector<std::vector<RunDescription>> runs;  // [model][part]
  std::vector<FactStores> stores;
  std::vector<FactWork> work;  // the same facts and other subjects, known by all models
};

}  // namespace mambascope
