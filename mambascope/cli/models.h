// What the commands share that run the same facts in several models.
#pragma once

#include <string>
#include <vector>

#include "mambascope/cli/facts.h"

namespace mambascope {

struct LoadedModel {
  std::string name;        // in figures and files
  CommonArguments common;  // for this model
  Tokenizer tokenizer;
  // The model of each worker (Job::workers), at least one. Workers on one device share its weights.
  // The first workers are on different devices.
  std::vector<Model> of_workers;

  const Model& model() const { return of_workers[0]; }
};

// --model, repeatable.
void VisitModels(std::vector<std::string>& models, OptionVisitor& option);

// Throws UsageError for a model that is given twice, and for several models and one fact without
// an answer. Throws Error for a model that does not exist.
void CheckModels(const std::vector<std::string>& models, const FactArguments& facts);

// The models' names: their folders'. A name that repeats gets the model's number.
std::vector<std::string> NameModels(const std::vector<std::string>& models);

// The names of the files with the results of facts, by model and part (such as a site):
// COMMAND.MODEL.PART. There is no MODEL for one model, and no PART for one part.
std::vector<std::vector<std::string>> StoreNames(const std::string& command,
                                                 const std::vector<std::string>& models,
                                                 const std::vector<std::string>& parts);

// Loads the models. Of several models, --tokenizer is for those that have none.
std::vector<LoadedModel> LoadModels(const CommonArguments& common,
                                    const std::vector<std::string>& models);

}  // namespace mambascope
