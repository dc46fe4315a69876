#include "mambascope/python/python_command.h"

#include <mutex>

#include "mambascope/cli/parser.h"
#include "mambascope/model/threads.h"
#include "mambascope/python/engine_settings.h"
#include "mambascope/python/python_host.h"

namespace mambascope {
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
  const EngineSettings settings(model.tf32);
  PythonHost host(&model.kept, progress);
  RunHosted(std::move(words), host);
  GiveBackFreedMemory(size_t{512} << 20);
  return {.json = DumpJson(host.result.json, 1),
          .text = std::move(host.result.text),
          .table = std::move(host.table),
          .page = std::move(host.result.page),
          .warnings = std::move(host.warnings)};
}

}  // namespace mambascope
