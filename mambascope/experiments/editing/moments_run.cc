#include "mambascope/experiments/editing/moments_run.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "mambascope/checkpoint/file.h"
#include "mambascope/error.h"
#include "mambascope/intervene/token_states.h"
#include "mambascope/plural.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostHeldOut = 64, kHeldOutKeys = 64;
constexpr double
    kFirstCheck = 512,
    kDoubling = 1.9;  // tokens at which convergence is first looked at, and by how much they grow

// The documents of a corpus in batches.
class Batches {
 public:
  struct Batch {
    std::vector<std::vector<int64_t>> prompts;
    int64_t tokens = 0;
    int64_t end = 0;  // index of the document after the last one
  };

  Batches(const Tokenizer& tokenizer, const MomentOptions& options, int64_t end)
      : tokenizer_(tokenizer), options_(options), corpus_(options.texts), end_(end) {}

  // Returns as many documents as fit into options.rows, at least one; none after the last.
  std::optional<Batch> Next() {
    Batch batch;
    for (; next_ < end_ || waiting_; ++next_) {
      if (!waiting_)
        waiting_ = EncodeDocument(tokenizer_, corpus_.Next().value(), options_.max_tokens);
      const auto size = static_cast<int64_t>(waiting_->size());
      if (batch.tokens > 0 && batch.tokens + size > options_.rows) break;
      batch.tokens += size;
      if (size > 0) batch.prompts.push_back(std::move(*waiting_));
      waiting_.reset();
    }
    batch.end = next_;
    return batch.prompts.empty() ? std::nullopt : std::optional(std::move(batch));
  }

 private:
  const Tokenizer& tokenizer_;
  const MomentOptions& options_;
  Corpus corpus_;
  // Tokens of document next_, which did not fit into the last batch.
  std::optional<std::vector<int64_t>> waiting_;
  int64_t next_ = 0, end_;
};

// One run: the moments of each place, in memory and on disk.
class Collection {
 public:
  Collection(const Model& model, const Tokenizer& tokenizer, const CorpusSummary& corpus,
             const fs::path& folder, const MomentOptions& options)
      : model_(model),
        tokenizer_(tokenizer),
        folder_(folder),
        options_(options),
        text_(corpus.fingerprint),
        documents_(corpus.documents - HeldOut(corpus.documents)),
        collector_(model, options.places) {
    for (const Place& place : options.places) places_[place] = Begin(place);
    const auto is_open = [&](const auto& place) { return place.second.documents < documents_; };
    if (std::any_of(places_.begin(), places_.end(), is_open)) TakeKeys(corpus);
  }

  void Run() {
    int64_t begin = documents_, tokens = 0, number = 0;
    for (const auto& [place, stored] : places_) begin = std::min(begin, stored.documents);
    const Shard shard = options_.shard.value_or(Shard());
    Batches batches(tokenizer_, options_, documents_);
    while (begin < documents_) {
      const std::optional<Batches::Batch> batch = batches.Next();
      if (!batch) break;
      const bool is_own = number++ % shard.count == shard.index - 1;
      if (batch->end <= begin) continue;  // an earlier run had it
      if (is_own) Add(batch->prompts, begin);
      Pass(begin, batch->end);
      begin = batch->end;
      tokens += is_own ? batch->tokens : 0;
      if (SecondsSinceSave() > std::max(options_.seconds_to_save, 10 * save_seconds_))
        Save();  // takes at most a tenth of the time
      if (options_.progress) options_.progress(begin, documents_, tokens);
    }
    RefuseEmpty(number);
    Save();
  }

  std::vector<MomentResult> Results() const {
    std::vector<MomentResult> results;
    for (const Place& place : options_.places) {
      const StoredMoments& stored = places_.at(place);
      const Moments moments = collector_.OnDevice(place);
      results.push_back({.place = place,
                         .width = model_.width(place),
                         .tokens = moments.count,
                         .documents = stored.documents,
                         .condition = MomentSolver(moments, options_.ridge).condition(),
                         .convergence = stored.convergence});
    }
    return results;
  }

 private:
  using Clock = std::chrono::steady_clock;

  // Returns what is stored for `place`, or an empty result. Puts the stored sum into the collector.
  StoredMoments Begin(const Place& place) {
    const fs::path file = MomentsPath(folder_, place);
    PrepareFile(file);
    StoredMoments none{.moments = {},
                       .place = place,
                       .model = options_.model,
                       .text = text_,
                       .made_by = options_.made_by,
                       .shard = ShardText()};
    if (!fs::exists(file)) return none;
    try {
      return Restore(place, file);
    } catch (const Error&) {
      if (options_.others == MomentOptions::Others::kRefuse) throw;
      return none;
    }
  }

  // Takes what an earlier run stored in `file`.
  StoredMoments Restore(const Place& place, const fs::path& file) {
    StoredMoments stored = ReadMomentsFile(file, model_.width(place));
    const auto refuse = [&](const char* what) {
      throw Error(fmt::format("{}: {}", file.string(), what),
                  "name another folder with --out OTHER, or overwrite this file with --force");
    };
    if (stored.made_by.empty() || stored.place != place)
      refuse("was not made by `mambascope moments` for this place");
    if (stored.model != options_.model) refuse("these second moments are of another model");
    if (stored.text != text_) refuse("these second moments are of another text");
    if (stored.made_by != options_.made_by)
      refuse("was made with other options, or by another version of mambascope");
    if (stored.shard != ShardText()) refuse("these second moments are of another shard");
    collector_.Restore(place, stored.moments);
    stored.moments = {};
    return stored;
  }

  // Takes the keys of tokens that are spread over the held-out documents.
  void TakeKeys(const CorpusSummary& corpus) {
    const int64_t held_out = corpus.documents - documents_,
                  each = (kHeldOutKeys + held_out - 1) / held_out;
    std::vector<PromptToken> watched;
    int64_t left = kHeldOutKeys;
    for (size_t i = corpus.last.size() - static_cast<size_t>(held_out); i < corpus.last.size();
         ++i) {
      const std::vector<int64_t> ids =
          EncodeDocument(tokenizer_, corpus.last[i], options_.max_tokens);
      const auto size = static_cast<int64_t>(ids.size()), count = std::min({each, size, left});
      for (int64_t j = 0; j < count; ++j)
        watched.push_back({ids, (2 * j + 1) * size / (2 * count)});
      left -= count;
    }
    keys_ = TokenStates(model_, watched, {options_.places.begin(), options_.places.end()});
    for (auto& [place, keys] : keys_) keys = keys.to(at::kCPU, at::kDouble);
  }

  std::string ShardText() const { return options_.shard ? options_.shard->text() : ""; }

  // Adds the documents from `begin` on to the moments that have come as far.
  void Add(const std::vector<std::vector<int64_t>>& prompts, int64_t begin) {
    std::vector<Place> open;
    for (const auto& [place, stored] : places_) {
      if (stored.documents == begin) open.push_back(place);
    }
    collector_.Add(prompts, open);
    for (const Place& place : open) Watch(place);
  }

  // Says that the documents from `begin` to `end` are done.
  void Pass(int64_t begin, int64_t end) {
    for (auto& [place, stored] : places_) {
      if (stored.documents != begin) continue;
      stored.documents = end;
      if (collector_.count(place) > 0) changed_.insert(place);
    }
  }

  // Throws Error when the shard had no batch of the text.
  void RefuseEmpty(int64_t batches) const {
    for (const auto& [place, stored] : places_) {
      if (collector_.count(place) > 0) continue;
      if (!options_.shard) throw Error("the text has no tokens");
      throw Error(fmt::format("--shard {}: the text has only {} of {} tokens", ShardText(),
                              Count(batches, "batch", "batches"), options_.rows),
                  fmt::format("make {} shards at most", batches));
    }
  }

  // Measures convergence when there are about twice as many tokens as the last time. Exactly twice
  // as many are rare, because tokens come in batches of about equal size.
  void Watch(const Place& place) {
    Convergence& convergence = places_.at(place).convergence;
    const double due = convergence.tokens.empty()
                           ? kFirstCheck
                           : kDoubling * static_cast<double>(convergence.tokens.back());
    const int64_t count = collector_.count(place);
    if (static_cast<double>(count) < due) return;
    const MomentSolver solver(collector_.OnDevice(place), options_.ridge);
    const at::Tensor solutions =
        solver.singular() ? at::Tensor() : solver.Solve(keys_.at(place)).contiguous();
    std::optional<double> change;
    if (solutions.defined() && convergence.solutions.defined())
      change = ((solutions - convergence.solutions).norm(2, 1) / solutions.norm(2, 1))
                   .mean()
                   .item<double>();
    convergence.tokens.push_back(count);
    convergence.change.push_back(change);
    convergence.solutions = solutions;
  }

  double SecondsSinceSave() const {
    return std::chrono::duration<double>(Clock::now() - saved_).count();
  }

  void Save() {
    const Clock::time_point begin = Clock::now();
    for (const Place& place : changed_) {
      StoredMoments stored = places_.at(place);
      stored.moments = collector_.At(place);
      if (!options_.shard && stored.documents == documents_) stored.moments.rest = at::Tensor();
      WriteMoments(MomentsPath(folder_, place), stored);
    }
    changed_.clear();
    saved_ = Clock::now();
    if (options_.saved) options_.saved();
    save_seconds_ = std::chrono::duration<double>(saved_ - begin).count();
  }

  const Model& model_;
  const Tokenizer& tokenizer_;
  const fs::path folder_;
  const MomentOptions& options_;
  const std::string text_;
  const int64_t documents_;  // number of documents to collect
  MomentCollector collector_;
  std::map<Place, StoredMoments> places_;  // their sums are in collector_
  std::map<Place, at::Tensor> keys_;       // held-out keys
  std::set<Place> changed_;                // places changed since the last save
  Clock::time_point saved_ = Clock::now();
  double save_seconds_ = 0;
};

}  // namespace

int64_t HeldOut(int64_t documents) { return std::clamp<int64_t>(documents / 20, 1, kMostHeldOut); }

std::vector<MomentResult> CollectMoments(const Model& model, const Tokenizer& tokenizer,
                                         const CorpusSummary& corpus, const fs::path& folder,
                                         const MomentOptions& options) {
  if (corpus.documents < 2)
    throw Error(fmt::format("the text needs at least 2 documents, but has {}", corpus.documents),
                "a .txt file has one document per line; a .jsonl file has one in the field 'text' "
                "of each line");
  if (options.places.empty()) return {};
  Collection collection(model, tokenizer, corpus, folder, options);
  collection.Run();
  return collection.Results();
}

StoredMoments JoinMoments(const std::vector<fs::path>& folders, const Place& place, int64_t width) {
  StoredMoments joined;
  for (size_t i = 0; i < folders.size(); ++i) {
    const fs::path file = MomentsPath(folders[i], place);
    StoredMoments own = ReadMomentsFile(file, width);
    const Shard shard{static_cast<int64_t>(i) + 1, static_cast<int64_t>(folders.size())};
    if (own.shard != shard.text() || own.place != place)
      throw Error(fmt::format("{}: does not hold shard {} of the second moments of {}",
                              file.string(), shard.text(), PlaceName(place)));
    if (i == 0) {
      joined = std::move(own);
      continue;
    }
    if (std::tie(own.model, own.text, own.made_by, own.documents) !=
        std::tie(joined.model, joined.text, joined.made_by, joined.documents))
      throw Error(fmt::format("{}: this shard is of another run than {}, or has not finished",
                              file.string(), MomentsPath(folders[0], place).string()));
    joined.moments.Add(own.moments);
  }
  joined.moments.rest = at::Tensor();
  joined.shard.clear();
  joined.convergence = {};
  return joined;
}

}  // namespace mambascope
