#include "mambascope/cli/edit_many.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/edit_record.h"
#include "mambascope/cli/progress.h"
#include "mambascope/error.h"
#include "mambascope/experiments/edit_file.h"
#include "mambascope/experiments/edit_health.h"
#include "mambascope/experiments/memit.h"
#include "mambascope/report/edit_table.h"
#include "mambascope/report/memit_report.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The edits of some of the records, [begin, end), for one model.
using MakeEdits = std::function<std::vector<Edit>(size_t begin, size_t end)>;

// MEMIT: the values are searched once, whatever is edited together afterwards.
MakeEdits Together(const EditSetup& setup, const EditOptions& o, const std::vector<RewritePrompts>& rewrites, ValueOptions value,
                   double& seconds_per_search) {
  std::set<int> layers;
  for (const EditPlace& place : setup.places()) layers.insert(place.layer);
  const std::string projection = setup.places()[0].projection;
  const auto start = std::chrono::steady_clock::now();
  const auto values = std::make_shared<std::vector<FoundValue>>(SearchResiduals(setup.model(), rewrites, *layers.rbegin(), value));
  seconds_per_search = SecondsSince(start) / static_cast<double>(rewrites.size());
  return [=, &setup, &o, &rewrites](size_t begin, size_t end) {
    const auto part = [&](const auto& all) {
      return std::vector(all.begin() + static_cast<int64_t>(begin), all.begin() + static_cast<int64_t>(end));
    };
    return Memit(setup.model(), part(rewrites), part(*values), layers, projection, setup.solvers(), o.lambda).Edits();
  };
}

// ROME: each edit is made in the model that the earlier ones left. REQUIRES: begin is 0, and no earlier end was larger.
MakeEdits OneByOne(const EditSetup& setup, const std::vector<RewritePrompts>& rewrites, const ValueOptions& value,
                   const std::function<void(size_t)>& progress) {
  const auto edits = std::make_shared<std::vector<Edit>>();
  const auto model = std::make_shared<Model>(setup.model());
  return [=, &setup, &rewrites](size_t, size_t end) {
    RomeOptions rome = setup.rome();
    rome.value = value;
    const auto& [layer, projection] = setup.places()[0];
    while (edits->size() < end) {
      edits->push_back(Rome(*model, {{&rewrites[edits->size()], layer, projection}}, setup.solvers(), rome)[0].edit);
      *model = model->Edited({edits->back()});
      progress(edits->size());
    }
    return *edits;
  };
}

Json HealthJson(const EditHealth& health) {
  Json weights = Json::array();
  for (const WeightChange& w : health.weights)
    weights.push_back({{"layer", w.layer}, {"projection", w.projection}, {"change_norm", w.change_norm}, {"weight_norm", w.weight_norm}});
  return {
      {"perplexity", {{"before", health.mean_before}, {"after", health.mean_after}}}, {"weights", weights}, {"warnings", health.warnings}};
}

std::string Summary(const std::vector<Json>& rows, const std::string& how) {
  const auto number = [](const Json& value) {
    return value.is_number() ? fmt::format("{:8.2f}", value.get<double>()) : fmt::format("{:>8}", "-");
  };
  std::string text =
      fmt::format("{:>6}{:>8}{:>8}{:>8}{:>8}{:>8}{:>12}{:>12}\n", "edits", "records", "ES", "PS", "NS", "S", "perplexity", "|change|/|W|");
  for (const Json& row : rows) {
    text += fmt::format("{:>6}{:>8}", row["edits"].get<int64_t>(), row["records"].get<int64_t>());
    for (const char* measure : {"ES", "PS", "NS", "S"}) text += number(row[measure]);
    double most = 0;
    for (const Json& w : row["weights"]) most = std::max(most, w["change_norm"].get<double>() / w["weight_norm"].get<double>());
    text += fmt::format("{:>12}{:>12}\n",
                        fmt::format("x {:.3f}", row["perplexity"]["after"].get<double>() / row["perplexity"]["before"].get<double>()),
                        fmt::format("{:.1f} %", 100 * most));
    for (const Json& warning : row["warnings"]) text += "        warning: " + warning.get<std::string>() + "\n";
  }
  return text + how;
}

}  // namespace

void EditMany(const CommonOptions& common, const EditOptions& o) {
  const fs::path out = o.out;
  for (const char* name : {"edit.json", "edit.html", "edit.safetensors"}) PrepareFile(out / name);
  const EditSetup setup(common, o);
  const bool together = o.method == "memit";
  if (!together && setup.places().size() != 1)
    throw Error("ROME edits one weight, record after record: give --layer and --projection", "--method memit edits several layers");
  const std::vector<EditRecord> records = ChooseRecords(common, o, setup);
  std::vector<int64_t> counts = o.edits;
  std::sort(counts.begin(), counts.end());
  if (counts.empty()) counts = {static_cast<int64_t>(records.size())};
  if (counts.back() > static_cast<int64_t>(records.size()))
    throw Error(fmt::format("--edits {}: there are {} records to edit", counts.back(), records.size()), "--limit, or --all-facts");
  std::vector<RewritePrompts> rewrites;
  for (const EditRecord& record : records) rewrites.push_back(PrepareRewrite(setup.tokenizer(), record.rewrite, setup.contexts()));
  std::vector<Json> pre;
  for (const EditRecord& record : records) pre.push_back(record.evaluate(setup.model()));

  const auto total = static_cast<int64_t>(together ? records.size() : static_cast<size_t>(counts.back()));
  Progress progress("edit: searches", "edits", common.quiet);
  ValueOptions value = setup.value();
  double seconds = 0;
  if (together) value.progress = [&](int64_t done, int64_t of) { progress(static_cast<double>(done), of, done); };
  const auto start = std::chrono::steady_clock::now();
  const MakeEdits make = together ? Together(setup, o, rewrites, value, seconds) : OneByOne(setup, rewrites, value, [&](size_t done) {
    progress(static_cast<double>(done), total, static_cast<int64_t>(done));
  });
  MemitCurve curve{
      .options = EchoOptions(
          "edit", common,
          {{"counterfact", o.counterfact}, {"zsre", o.zsre}, {"limit", o.limit > 0 ? Json(o.limit) : Json()}, {"all_facts", o.all_facts}}),
      .rows = {}};
  curve.options.update(setup.Echo());
  const std::vector<std::vector<int64_t>> texts = setup.Texts();
  Json json = {{"options", curve.options}, {"pre", MeasuresRow(pre)}, {"many", Json::array()}, {"records", Json::array()}};
  for (const int64_t count : counts) {
    const auto n = static_cast<size_t>(count);
    std::vector<Json> after;
    std::vector<Edit> edits;
    // Facts that are edited one after the other are those of one model; else all records are, n at a time.
    const size_t chunks = together ? records.size() / n : 1;
    for (size_t chunk = 0; chunk < chunks; ++chunk) {
      std::vector<Edit> some = make(chunk * n, (chunk + 1) * n);
      const Model edited = setup.model().Edited(some);
      for (size_t i = chunk * n; i < (chunk + 1) * n; ++i) after.push_back(records[i].evaluate(edited));
      if (chunk == 0) edits = std::move(some);
    }
    Json row = MeasuresRow(after);
    row["edits"] = count;
    row["seconds_per_edit"] = together ? seconds : SecondsSince(start) / static_cast<double>(count);
    row.update(HealthJson(CheckEdits(setup.model(), edits, texts)));
    curve.rows.push_back(row);
    json["many"].push_back(row);
    if (count != counts.back()) continue;
    for (size_t i = 0; i < after.size(); ++i) {
      json["records"].push_back(records[i].head);
      json["records"].back().update({{"pre", pre[i]}, {"post", after[i]}});
    }
    WriteEdits(out / "edit.safetensors", {edits, Fingerprint(ModelFolder(common.model))});
  }
  WriteFile(out / "edit.json", DumpJson(json, 1) + "\n");
  WriteFile(out / "edit.html", MemitPage(curve));
  const std::string how = together ? "Percent, means over all records, edited so many at a time.\n"
                                   : "Percent, means over the records edited, one after the other.\n";
  Print(common, json,
        fmt::format("{}{}\n{}\n{}\n", Summary(curve.rows, how), (out / "edit.safetensors").string(), (out / "edit.json").string(),
                    (out / "edit.html").string()));
}

}  // namespace mambascope
