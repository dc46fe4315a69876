// Where the results of a run go.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/cli/command_result.h"
#include "mambascope/cli/common.h"
#include "mambascope/jobs/earlier_result.h"
#include "mambascope/jobs/output_folder.h"
#include "mambascope/jobs/result_store.h"

namespace mambascope {

struct OutputArguments {
  std::optional<std::string> folder = {};  // none: DefaultFolder
  bool force = false;
  std::optional<std::string> table = {};  // a file

  // What --force says of the results of another run.
  OtherRuns others() const { return force ? OtherRuns::kReplace : OtherRuns::kRefuse; }
};
// --out, --force and --table. `otherwise` is the default folder, with MODEL for the model's name.
void VisitOutputOptions(OutputArguments& arguments, const std::string& otherwise,
                        OptionVisitor& option);
void VisitForceOption(bool& force, OptionVisitor& option);

// The last part of a path that names a folder: "a/b/" is b, and "." the current folder's name.
std::string FolderName(const std::string& path);

// out/COMMAND-MODEL, out/COMMAND-MODEL-DETAIL, and with the names of data files after it. Models
// are named by their folders, and several are joined by "+", as are files. What is no letter,
// digit, dot, _, - or + becomes _.
std::string DefaultFolder(const std::string& command, const std::vector<std::string>& models,
                          const std::string& detail = "",
                          const std::vector<std::string>& data = {});

// Locks the folder of --out, or else the default one, for these files. With --shard it is the
// part's own folder in it. Checks that --table can be written, too: it does not replace a file of
// the run, or a file that is no .csv.
OutputFolder OpenOutput(const CommonArguments& common, const OutputArguments& arguments,
                        const std::string& default_folder, const std::vector<std::string>& files);

// What a store of results says at the terminal: that an interrupted run can go on, and warnings of
// damaged lines. REQUIRES: `common` outlives the store.
StoreListener ListenerOf(const CommonArguments& common);

// Writes NAME.json and NAME.html, and the file of --table; prints the JSON, or the text and the
// names of the files. A host (host.h) takes the result instead.
void WriteResults(const std::string& name, const CommonArguments& common,
                  const OutputArguments& arguments, const OutputFolder& folder,
                  const CommandResult& result);

}  // namespace mambascope
