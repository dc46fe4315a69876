// A job makes the results of items in batches. Results that its store has are not made again. New
// results are written to the store after each batch.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "mambascope/jobs/result_store.h"

namespace mambascope {

// Progress of a job.
struct JobProgress {
  double done = 0;        // items done, including those of earlier runs
  double begun_with = 0;  // items that earlier runs had done
  int64_t total = 0;      // items
  int64_t units = 0;      // work that this run has done, in the units that the job counts
};

template <typename Item, typename Result>
struct Job {
  // The item's key in the store. Different items have different keys.
  std::function<std::string(const Item&)> key;
  // Makes the results of some items, in their order. Calls `progress` with the share of these items
  // that is done, and the units done.
  std::function<std::vector<Result>(
      const std::vector<Item>& items,
      const std::function<void(double share, int64_t units)>& progress)>
      run;
  size_t at_a_time = 1;
  ResultStore* store = nullptr;  // null: results are not stored
  std::function<void(const JobProgress&)> progress = {};
};

// Number of items that have results in the job's store.
template <typename Item, typename Result>
size_t CountDone(const Job<Item, Result>& job, const std::vector<Item>& items) {
  const auto is_done = [&](const Item& item) { return job.store->Find(job.key(item)) != nullptr; };
  return job.store == nullptr
             ? 0
             : static_cast<size_t>(std::count_if(items.begin(), items.end(), is_done));
}

// Returns the results of all items, in their order. to_json writes a result and from_json reads it.
template <typename Item, typename Result>
std::vector<Result> RunJob(const Job<Item, Result>& job, const std::vector<Item>& items) {
  std::vector<Result> results(items.size());
  std::vector<size_t> open;
  for (size_t i = 0; i < items.size(); ++i) {
    std::optional<Result> earlier;
    if (job.store != nullptr) earlier = job.store->template Read<Result>(job.key(items[i]));
    if (earlier) results[i] = std::move(*earlier);
    else open.push_back(i);
  }
  JobProgress progress{.total = static_cast<int64_t>(items.size())};
  progress.begun_with = static_cast<double>(items.size() - open.size());
  int64_t units_before = 0;
  for (size_t begin = 0; begin < open.size(); begin += job.at_a_time) {
    const size_t end = std::min(begin + job.at_a_time, open.size());
    std::vector<Item> batch;
    for (size_t i = begin; i < end; ++i) batch.push_back(items[open[i]]);
    const auto report = [&](double share, int64_t units) {
      progress.done = progress.begun_with + static_cast<double>(begin) +
                      share * static_cast<double>(end - begin);
      progress.units = units_before + units;
      if (job.progress) job.progress(progress);
    };
    std::vector<Result> made = job.run(batch, report);
    units_before = progress.units;
    for (size_t i = begin; i < end; ++i) {
      if (job.store != nullptr) job.store->Append(job.key(items[open[i]]), made[i - begin]);
      results[open[i]] = std::move(made[i - begin]);
    }
  }
  return results;
}

}  // namespace mambascope
