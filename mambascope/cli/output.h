// Where the results of a run go.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/cli/common.h"
#include "mambascope/jobs/earlier_result.h"
#include "mambascope/jobs/output_folder.h"

namespace mambascope {

struct OutputArguments {
  std::optional<std::string> folder = {};  // none: DefaultFolder
  bool force = false;

  // What --force says of the results of another run.
  OtherRuns others() const { return force ? OtherRuns::kReplace : OtherRuns::kRefuse; }
};
// --out and --force. `otherwise` is the default folder, with MODEL for the model's name.
void VisitOutputOptions(OutputArguments& arguments, const std::string& otherwise,
                        OptionVisitor& option);
void VisitForceOption(bool& force, OptionVisitor& option);

// out/COMMAND-MODEL or out/COMMAND-MODEL-DETAIL. Models are named by their folders, and several are
// joined by "+". What is no letter, digit, dot, _, - or + becomes _.
std::string DefaultFolder(const std::string& command, const std::vector<std::string>& models,
                          const std::string& detail = "");

// Writes NAME.json and NAME.html; prints `json`, or `text` and the names of the two.
void WriteResults(const std::string& name, const CommonArguments& common,
                  const OutputFolder& folder, const Json& json, const std::string& page,
                  const std::string& text);

}  // namespace mambascope
