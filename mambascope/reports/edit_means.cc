#include "mambascope/reports/edit_means.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace mambascope {
namespace {

int CellWidth(const EditMeans& means) {
  return means.measures.benchmark == EditBenchmark::kZsre ? 10 : 8;
}

}  // namespace

std::string PercentText(const MeasureMean& mean) {
  return mean.mean ? fmt::format("{:.2f}", *mean.mean) : "-";
}

std::vector<NamedMean> ScoreFirst(std::vector<NamedMean> means) {
  std::rotate(means.begin(), means.end() - 1, means.end());
  return means;
}

std::string MeasuresLine(const EditMeans& means) {
  std::string line;
  for (const NamedMean& mean : ScoreFirst(PrincipalMeans(means))) {
    line += fmt::format("{}{} {}", line.empty() ? "" : ", ", mean.key, PercentText(mean.value));
    if (const auto& interval = mean.value.interval)
      line += fmt::format(" [{:.1f}, {:.1f}]", interval->first, interval->second);
  }
  return line;
}

std::string MeanHeads(const EditMeans& means) {
  std::string heads;
  for (const NamedMean& mean : PrincipalMeans(means))
    heads += fmt::format("{:>{}}", mean.head, CellWidth(means));
  return heads;
}

std::string MeanCells(const EditMeans& means) {
  std::string cells;
  for (const NamedMean& mean : PrincipalMeans(means))
    cells += fmt::format("{:>{}}", PercentText(mean.value), CellWidth(means));
  return cells;
}

std::string MethodName(const Json& options, const std::string& otherwise) {
  std::string method = options.value("method", otherwise);
  for (char& c : method) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return method;
}

const char* PercentName(EditBenchmark benchmark) {
  return benchmark == EditBenchmark::kZsre ? "Percent of correct tokens" : "Percent";
}

}  // namespace mambascope
