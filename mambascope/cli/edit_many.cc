#include "mambascope/cli/edit_many.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/edit_record.h"
#include "mambascope/cli/progress.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/edit_file.h"
#include "mambascope/experiments/editing/edit_health.h"
#include "mambascope/experiments/editing/memit.h"
#include "mambascope/reports/edit_table.h"
#include "mambascope/reports/memit_report.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The edits that rewrite some of the facts, [begin, end), in one model.
using EditMaker = std::function<std::vector<Edit>(size_t begin, size_t end)>;

// MEMIT: the values are searched once, whatever is edited together afterwards.
EditMaker Together(const EditSetup& setup, const std::vector<RewritePrompts>& rewrites, std::optional<double> lambda, Progress& progress) {
  ValueOptions value = setup.value();
  value.progress = [&](int64_t done, int64_t of) { progress(static_cast<double>(done), of, done); };
  const auto values = std::make_shared<std::vector<FoundValue>>(SearchResiduals(setup.model(), rewrites, *setup.layers().rbegin(), value));
  return [=, &setup, &rewrites](size_t begin, size_t end) {
    const auto part = [&](const auto& all) {
      return std::vector(all.begin() + static_cast<int64_t>(begin), all.begin() + static_cast<int64_t>(end));
    };
    return Memit(setup.model(), part(rewrites), part(*values), setup.layers(), setup.projection(), setup.solvers(), lambda).Edits();
  };
}

// ROME: each edit is made in the model that the earlier ones left. REQUIRES: begin is 0, and no earlier end was larger.
EditMaker OneByOne(const EditSetup& setup, const std::vector<RewritePrompts>& rewrites, Progress& progress) {
  const auto edits = std::make_shared<std::vector<Edit>>();
  const auto model = std::make_shared<Model>(setup.model());
  return [=, &setup, &rewrites, &progress](size_t /*begin*/, size_t end) {
    const auto& [layer, projection] = setup.places()[0];
    while (edits->size() < end) {
      edits->push_back(Rome(*model, {{&rewrites[edits->size()], layer, projection}}, setup.solvers(), setup.rome())[0].edit);
      *model = model->Edited({edits->back()});
      progress(static_cast<double>(edits->size()), static_cast<int64_t>(rewrites.size()), static_cast<int64_t>(edits->size()));
    }
    return *edits;
  };
}

std::string Summary(const Json& rows, const std::string& how) {
  const auto number = [](const Json& value) {
    return value.is_number() ? fmt::format("{:8.2f}", value.get<double>()) : fmt::format("{:>8}", "-");
  };
  std::string text =
      fmt::format("{:>6}{:>8}{:>8}{:>8}{:>8}{:>8}{:>12}{:>14}\n", "edits", "records", "ES", "PS", "NS", "S", "perplexity", "|change|/|W|");
  for (const Json& row : rows) {
    text += fmt::format("{:>6}{:>8}", row["edits"].get<int64_t>(), row["records"].get<int64_t>());
    for (const char* measure : {"ES", "PS", "NS", "S"}) text += number(row[measure]);
    double most = 0;
    for (const Json& w : row["weights"]) most = std::max(most, w["change_norm"].get<double>() / w["weight_norm"].get<double>());
    text += fmt::format("{:>12}{:>14}\n",
                        fmt::format("x {:.3f}", row["perplexity"]["after"].get<double>() / row["perplexity"]["before"].get<double>()),
                        fmt::format("{:.1f} %", 100 * most));
    for (const Json& warning : row["warnings"]) text += "        warning: " + warning.get<std::string>() + "\n";
  }
  return text + how;
}

// How many records in one model: each of these.
std::set<int64_t> Counts(const EditOptions& o, const std::vector<EditRecord>& records) {
  const auto all = static_cast<int64_t>(records.size());
  if (o.edits.empty()) return {all};
  const std::set<int64_t> counts(o.edits.begin(), o.edits.end());
  if (*counts.rbegin() > all)
    throw Error(fmt::format("--edits {}: there are {} records to edit", *counts.rbegin(), all), "--limit, or --all-facts");
  return counts;
}

// The measures of records before and after edits, and the edits of the first `count`.
struct Measured {
  std::vector<Json> pre, post;
  std::vector<Edit> edits;
  double seconds = 0;  // that making the edits took
};

// `chunks` times `count` records, each `count` of them in one model.
Measured Measure(const EditSetup& setup, const std::vector<EditRecord>& records, size_t count, size_t chunks, const EditMaker& make) {
  Measured measured;
  for (size_t chunk = 0; chunk < chunks; ++chunk) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<Edit> edits = make(chunk * count, (chunk + 1) * count);
    measured.seconds += SecondsSince(start);
    const Model edited = setup.model().Edited(edits);
    for (size_t i = chunk * count; i < (chunk + 1) * count; ++i) {
      measured.pre.push_back(records[i].evaluate(setup.model()));
      measured.post.push_back(records[i].evaluate(edited));
    }
    if (chunk == 0) measured.edits = std::move(edits);
  }
  return measured;
}

}  // namespace

void EditMany(const CommonOptions& common, const EditOptions& o) {
  const fs::path out = o.out;
  for (const char* name : {"edit.json", "edit.html", "edit.safetensors"}) PrepareFile(out / name);
  EditSetup setup(common, o);
  const bool together = o.method == "memit";
  if (together) CheckMemit(setup.model(), setup.layers(), setup.projection());
  if (!together && setup.places().size() != 1)
    throw Error("ROME edits one weight, record after record: give --layer", "--method memit edits several layers");
  const ChosenRecords chosen = ChooseRecords(common, o, setup);
  const std::vector<EditRecord>& records = chosen.records;
  const std::set<int64_t> counts = Counts(o, records);
  std::vector<RewritePrompts> rewrites;  // of one model those of the largest count; MEMIT's of all
  for (size_t i = 0; i < (together ? records.size() : static_cast<size_t>(*counts.rbegin())); ++i)
    rewrites.push_back(PromptsOf(records[i], setup));
  setup.TakeMoments();
  Json options = EchoOptions(
      "edit", common,
      {{"counterfact", o.counterfact}, {"zsre", o.zsre}, {"limit", o.limit > 0 ? Json(o.limit) : Json()}, {"all_facts", o.all_facts}});
  options.update(setup.Echo());
  Json json = {{"options", options}, {"choice", chosen.json()}, {"many", Json::array()}, {"records", Json::array()}};

  const auto start = std::chrono::steady_clock::now();
  std::optional<Progress> progress;
  progress.emplace("edit: searches", "edits", common.quiet);
  const EditMaker make = together ? Together(setup, rewrites, o.lambda, *progress) : OneByOne(setup, rewrites, *progress);
  const double searching = SecondsSince(start) / static_cast<double>(rewrites.size());  // ROME searches as it goes
  const std::vector<std::vector<int64_t>> texts = setup.Texts();
  Measured last;
  double seconds = 0;
  for (const int64_t count : counts) {
    const auto n = static_cast<size_t>(count);
    last = Measure(setup, records, n, together ? records.size() / n : 1, make);
    seconds = together ? last.seconds : seconds + last.seconds;
    Json row = MeasuresRow(last.post);
    row.update({{"edits", count},
                {"pre", MeasuresRow(last.pre)},
                {"seconds_per_edit", (together ? searching : 0) + seconds / static_cast<double>(last.post.size())}});
    row.update(HealthJson(CheckEdits(setup.model(), last.edits, texts)));
    json["many"].push_back(std::move(row));
  }
  for (size_t i = 0; i < last.post.size(); ++i) {
    json["records"].push_back(records[i].head);
    json["records"].back().update({{"pre", last.pre[i]}, {"post", last.post[i]}});
  }
  progress.reset();
  setup.WriteContexts();
  WriteEdits(out / "edit.safetensors", {last.edits, Fingerprint(ModelFolder(common.model)), fmt::format("{} records", *counts.rbegin())});
  WriteFile(out / "edit.json", DumpJson(json, 1) + "\n");
  WriteFile(out / "edit.html", MemitPage({.options = options, .rows = json["many"]}));
  const std::string how = together ? "Percent, means over all records, edited so many at a time.\n"
                                   : "Percent, means over the records edited, one after the other.\n";
  Print(common, json,
        fmt::format("{}{}\n{}\n{}\n", Summary(json["many"], how), (out / "edit.safetensors").string(), (out / "edit.json").string(),
                    (out / "edit.html").string()));
}

}  // namespace mambascope
