// A job makes the results of items in batches. Results that its store has are not made again. New
// results are written to the store after each batch.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "mambascope/jobs/result_store.h"

namespace mambascope {

// Progress of a job. `done` and `units` never decrease.
struct JobProgress {
  double done = 0;         // items done, including those of earlier runs
  double begun_with = 0;   // items that earlier runs had done
  int64_t total = 0;       // items
  int64_t units = 0;       // work that this run has done, in the units that the job counts
  std::string stage = {};  // what is being done at present; empty: nothing to add
};

// What a batch says while it is computed.
template <typename Result>
struct BatchReport {
  // The share of the batch that is done, and the units done.
  std::function<void(double share, int64_t units)> progress;
  // What is being done at present.
  std::function<void(const std::string& stage)> stage;
  // Stores a result before the batch is over. Results that are not given here are stored then.
  std::function<void(size_t item, const Result& result)> finished;
};

// The store of each item's result: one for all items, or one of several. Null: it is not stored.
template <typename Item>
class ItemStore {
 public:
  ItemStore(ResultStore* store = nullptr) : of_([store](const Item&) { return store; }) {}
  ItemStore(std::function<ResultStore*(const Item&)> of) : of_(std::move(of)) {}
  ResultStore* operator()(const Item& item) const { return of_(item); }

 private:
  std::function<ResultStore*(const Item&)> of_;
};

template <typename Item, typename Result>
struct Job {
  // The item's key in its store. Different items of a store have different keys.
  std::function<std::string(const Item&)> key;
  // Makes the results of some items, in their order.
  std::function<std::vector<Result>(const std::vector<Item>& items,
                                    const BatchReport<Result>& report)>
      run;
  size_t at_a_time = 1;
  ItemStore<Item> store = nullptr;
  std::function<void(const JobProgress&)> progress = {};
};

// Number of items that have results in their store.
template <typename Item, typename Result>
size_t CountDone(const Job<Item, Result>& job, const std::vector<Item>& items) {
  const auto is_done = [&](const Item& item) {
    const ResultStore* store = job.store(item);
    return store != nullptr && store->Find(job.key(item)) != nullptr;
  };
  return static_cast<size_t>(std::count_if(items.begin(), items.end(), is_done));
}

// Returns the results of all items, in their order. to_json writes a result and from_json reads it.
// The progress is first reported before any work.
template <typename Item, typename Result>
std::vector<Result> RunJob(const Job<Item, Result>& job, const std::vector<Item>& items) {
  std::vector<Result> results(items.size());
  std::vector<size_t> open;
  for (size_t i = 0; i < items.size(); ++i) {
    std::optional<Result> earlier;
    if (ResultStore* store = job.store(items[i]))
      earlier = store->template Read<Result>(job.key(items[i]));
    if (earlier) results[i] = std::move(*earlier);
    else open.push_back(i);
  }
  JobProgress progress{.total = static_cast<int64_t>(items.size())};
  progress.begun_with = static_cast<double>(items.size() - open.size());
  const auto tell = [&] {
    if (job.progress) job.progress(progress);
  };
  progress.done = progress.begun_with;
  if (!open.empty()) tell();
  int64_t units_before = 0;
  for (size_t begin = 0; begin < open.size(); begin += job.at_a_time) {
    const size_t end = std::min(begin + job.at_a_time, open.size());
    std::vector<Item> batch;
    for (size_t i = begin; i < end; ++i) batch.push_back(items[open[i]]);
    std::vector<bool> stored(batch.size(), false);
    const auto store = [&](size_t i, const Result& result) {
      if (ResultStore* store_of = job.store(batch[i]); store_of != nullptr && !stored[i])
        store_of->Append(job.key(batch[i]), result);
      stored[i] = true;
    };
    const auto advance = [&](double share, int64_t units) {
      progress.done =
          std::max(progress.done, progress.begun_with + static_cast<double>(begin) +
                                      std::min(share, 1.0) * static_cast<double>(end - begin));
      progress.units = std::max(progress.units, units_before + units);
      tell();
    };
    const auto stage = [&](const std::string& name) {
      progress.stage = name;
      tell();
    };
    std::vector<Result> made = job.run(batch, {advance, stage, store});
    units_before = progress.units;
    for (size_t i = begin; i < end; ++i) {
      store(i - begin, made[i - begin]);
      results[open[i]] = std::move(made[i - begin]);
    }
  }
  return results;
}

}  // namespace mambascope
