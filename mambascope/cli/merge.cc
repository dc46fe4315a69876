// Joins the shards of a run: OUT/shard-1-of-4 and so on.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/join_shards.h"
#include "mambascope/cli/output.h"
#include "mambascope/data/shard.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

std::optional<Shard> ShardOfFolder(const fs::path& folder) {
  return ReadShardFolder(FolderName(folder.string()));
}

struct ShardFolder {
  Shard shard;
  fs::path path;
};

// The shard that `place` is, or those in it.
std::vector<ShardFolder> FindShards(const fs::path& place) {
  if (!fs::is_directory(place)) throw Error(fmt::format("{}: is not a folder", place.string()));
  if (const std::optional<Shard> shard = ShardOfFolder(place)) return {{*shard, place}};
  std::vector<ShardFolder> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(place)) {
    if (const std::optional<Shard> shard = ShardOfFolder(entry.path());
        shard && entry.is_directory())
      found.push_back({*shard, entry.path()});
  }
  if (found.empty())
    throw Error(fmt::format("{}: holds no shards", place.string()),
                "give the folder that --out of the shards named");
  return found;
}

// Returns all shards of a run, in their order.
std::vector<fs::path> AllShards(const std::vector<std::string>& places) {
  std::map<int64_t, fs::path> folders;
  std::set<int64_t> counts;
  for (const std::string& place : places) {
    for (const ShardFolder& found : FindShards(place)) {
      counts.insert(found.shard.count);
      const auto [known, is_new] = folders.emplace(found.shard.index, found.path);
      if (!is_new && counts.size() == 1 && !fs::equivalent(known->second, found.path))
        throw Error(fmt::format("{} and {} are the same shard", known->second.string(),
                                found.path.string()));
    }
  }
  if (counts.size() > 1)
    throw Error(
        fmt::format("the folders are shards of runs of {} shards", fmt::join(counts, " and of ")),
        fmt::format("give those of one run, such as OUT/shard-*-of-{}", *counts.begin()));
  std::vector<fs::path> all;
  std::vector<std::string> missing;
  for (int64_t i = 1; i <= *counts.begin(); ++i) {
    if (const auto found = folders.find(i); found != folders.end()) all.push_back(found->second);
    else missing.push_back(Shard{i, *counts.begin()}.text());
  }
  if (!missing.empty())
    throw Error(fmt::format("missing shards: {}", fmt::join(missing, ", ")),
                fmt::format("run the command with --shard {}{}, then merge again", missing[0],
                            missing.size() > 1 ? " and so on" : ""));
  return all;
}

// The result file in a shard's folder.
ResultFile ReadResultOf(const fs::path& folder) {
  std::vector<ResultFile> files;
  try {
    files = ReadResults(folder);
  } catch (const Error& e) {
    throw Error(fmt::format("{}: has no result: {}", folder.string(), e.what()),
                "the shard has not finished; run its command again to continue");
  }
  if (files.size() > 1)
    throw Error(fmt::format("{}: holds several results", folder.string()),
                "use another --out for each command");
  return std::move(files[0]);
}

// The options of the whole run that a shard is of.
std::vector<Json> WholeRuns(const ResultFile& file) {
  std::vector<Json> runs;
  for (const Json& run : file.runs) runs.push_back(WholeRun(run));
  return runs;
}

// The options of a run that all its shards have alike.
std::vector<Json> SharedOptions(const ResultFile& file) {
  std::vector<Json> runs = file.runs;
  for (Json& run : runs) run.erase("shard");
  return runs;
}

void CheckOneRun(const std::vector<ResultFile>& shards) {
  const std::vector<Json> first = SharedOptions(shards[0]);
  for (size_t i = 0; i < shards.size(); ++i) {
    const ResultFile& shard = shards[i];
    const std::string text = Shard{static_cast<int64_t>(i) + 1, std::ssize(shards)}.text();
    for (const Json& run : shard.runs) {
      if (run.value("shard", "") != text)
        throw Error(fmt::format("{}: is not shard {}, as its folder's name says",
                                shard.file.string(), text));
    }
    const std::vector<Json> own = SharedOptions(shard);
    if (own == first) continue;
    std::set<std::string> differing;
    for (size_t run = 0; run < std::min(own.size(), first.size()); ++run) {
      for (const auto& [key, value] : own[run].items()) {
        if (first[run].value(key, Json()) != value) differing.insert(key);
      }
    }
    throw Error(fmt::format("{} and {} are of different runs: they differ in {}",
                            shards[0].file.string(), shard.file.string(),
                            differing.empty() ? "the number of models, sites or tokens"
                                              : fmt::format("{}", fmt::join(differing, ", "))));
  }
}

// Returns the whole lines of a file, without their ends. A last line that was not finished is left
// out.
std::vector<std::string> ReadLines(const fs::path& file) {
  std::vector<std::string> lines = SplitAt(ReadFile(file), '\n');
  lines.pop_back();  // what follows the last line's end
  return lines;
}

// Names of the files of lines in a shard's folder.
std::vector<std::string> LineFiles(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".jsonl") names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The lines of one file in all shards, in turn, each item's once.
std::vector<std::string> JoinLines(const std::vector<fs::path>& folders, const std::string& name) {
  std::map<std::string, std::string> lines;
  std::vector<std::vector<std::string>> keys;  // [shard]
  size_t most = 0;
  for (const fs::path& folder : folders) {
    lines.merge(ReadResultLines(folder / name, keys.emplace_back()));
    most = std::max(most, keys.back().size());
  }
  std::vector<std::string> joined;
  for (size_t i = 0; i < most; ++i) {
    for (const std::vector<std::string>& own : keys) {
      if (i >= own.size()) continue;
      const auto line = lines.find(own[i]);
      if (line == lines.end()) continue;
      joined.push_back(line->second);
      lines.erase(line);
    }
  }
  return joined;
}

// Throws Error when a file of the folder has lines that are not among `joined`.
void RefuseOtherLines(const fs::path& file, const std::vector<std::string>& joined) {
  if (!fs::exists(file)) return;
  const std::set<std::string> known(joined.begin(), joined.end());
  for (const std::string& line : ReadLines(file)) {
    if (!known.contains(line))
      throw Error(fmt::format("{}: has results that the shards do not have", file.string()),
                  kOtherOutput);
  }
}

// Copies what the shards have besides joined files and second moments: contexts, operators.
void CopyOtherFiles(const std::vector<fs::path>& shards, const std::vector<std::string>& joined,
                    const fs::path& out) {
  for (const fs::path& shard : shards) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(shard)) {
      const fs::path name = fs::relative(entry.path(), shard);
      if (!entry.is_regular_file() || *name.begin() == "moments" || name.extension() == ".part" ||
          name.filename() == ".lock" ||
          std::find(joined.begin(), joined.end(), name.string()) != joined.end())
        continue;
      fs::create_directories((out / name).parent_path());
      WriteFile(out / name, ReadFile(entry.path()));
    }
  }
}

class MergeCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    option.Topic("Shards");
    option(&places_, {.names = "DIR,--shards",
                      .help = "The shards' common --out folder, or the folders of all shards",
                      .presence = OptionInfo::Presence::kRequired});
    option.Topic("Output");
    VisitOutputOptions(output_, "DIR, if it is the common folder", option);
  }
  void VisitModel(OptionVisitor& /*option*/) override {}
  void VisitCompat(OptionVisitor& /*option*/) override {}
  void Check() const override {
    Refuse(!output_.folder && (places_.size() > 1 || ShardOfFolder(places_[0])),
           "give --out: it is required if DIR names the folders of shards");
  }

  void Run() override {
    const std::vector<fs::path> folders = AllShards(places_);
    std::vector<ResultFile> shards;
    for (const fs::path& folder : folders) shards.push_back(ReadResultOf(folder));
    CheckOneRun(shards);
    for (const fs::path& folder : folders) {
      if (output_.folder && fs::exists(*output_.folder) && fs::equivalent(*output_.folder, folder))
        throw Error(fmt::format("--out {}: is one of the shards", *output_.folder),
                    "name another folder");
    }
    const std::string name = shards[0].file.stem().string();
    const std::vector<std::string> lines = LineFiles(folders[0]);
    std::vector<std::string> files = {name + ".json", name + ".html"};
    files.insert(files.end(), lines.begin(), lines.end());
    const OutputFolder out = OpenOutput(common, output_, places_[0], files);
    RefuseOtherRun(out, name, WholeRuns(shards[0]), output_.others());
    const CommandResult result = JoinShards(shards, out.path());
    for (const std::string& file : lines) {
      const std::vector<std::string> joined = JoinLines(folders, file);
      if (!output_.force) RefuseOtherLines(out / file, joined);
      WriteFile(out / file, fmt::format("{}\n", fmt::join(joined, "\n")));
    }
    CopyOtherFiles(folders, files, out.path());
    WriteResults(name, common, output_, out, result);
  }

 private:
  std::vector<std::string> places_;
  OutputArguments output_;
};

}  // namespace

std::unique_ptr<Command> MakeMerge() { return std::make_unique<MergeCommand>(); }

}  // namespace mambascope
