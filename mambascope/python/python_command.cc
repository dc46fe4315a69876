#include "mambascope/python/python_command.h"

#include <mutex>

#include "mambascope/cli/parser.h"
#include "mambascope/experiments/editing/edit_file.h"
#include "mambascope/model/threads.h"

namespace mambascope {
namespace {

class PythonHost : public Host {
 public:
  PythonHost(const KeptModel& kept, PythonProgress& progress) : kept_(kept), progress_(progress) {}

  const KeptModel* Kept() const override { return &kept_; }
  StoredEdits Edits(const std::string& name) const override { return ReadEdits(name); }
  void HearProgress(const ProgressState& state) override {
    progress_(state.what, state.done, state.total);
  }
  void HearWarning(const std::string& sentence) override { result_.warnings.push_back(sentence); }
  void Take(CommandResult result) override {
    result_.json = DumpJson(result.json, 1);
    result_.text = std::move(result.text);
    if (result.table) result_.table = result.table().csv();
    result_.page = std::move(result.page);
  }

  PythonResult& result() { return result_; }

 private:
  const KeptModel& kept_;
  PythonProgress& progress_;
  PythonResult result_;
};

}  // namespace

std::string PythonResult::figures() const {
  Json all = Json::array();
  for (const Figure& figure : page.figures)
    all.push_back(
        {{"heading", figure.heading}, {"caption", figure.caption}, {"spec", figure.spec}});
  return DumpJson(all);
}

PythonResult RunPythonCommand(const PythonModel& model, std::vector<std::string> words,
                              PythonProgress& progress) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  words.insert(words.end(), model.words.begin(), model.words.end());
  PythonHost host(model.kept, progress);
  RunHosted(std::move(words), host);
  GiveBackFreedMemory(size_t{512} << 20);
  return std::move(host.result());
}

}  // namespace mambascope
