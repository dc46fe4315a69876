// A job: items whose results are made some at a time. Results that a store has are not made again,
// and new ones are in it at once.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "mambascope/jobs/result_store.h"

namespace mambascope {

// How far a job is.
struct JobProgress {
  double done = 0;        // items, those of earlier runs included
  double begun_with = 0;  // of these, what earlier runs left
  int64_t total = 0;      // items
  int64_t units = 0;      // that this run has done, in whatever the job counts its rate
};

template <typename Item, typename Result>
struct Job {
  // What tells an item from others.
  std::function<std::string(const Item&)> key;
  // The results of some items, in their order. It calls `progress` with the share of these items
  // that is done, and units done.
  std::function<std::vector<Result>(
      const std::vector<Item>& items,
      const std::function<void(double share, int64_t units)>& progress)>
      run;
  size_t at_a_time = 1;
  ResultStore* store = nullptr;  // none: nothing is kept
  std::function<void(const JobProgress&)> progress = {};
};

// How many of the items have results in the job's store.
template <typename Item, typename Result>
size_t CountDone(const Job<Item, Result>& job, const std::vector<Item>& items) {
  const auto is_done = [&](const Item& item) { return job.store->Find(job.key(item)) != nullptr; };
  return job.store == nullptr
             ? 0
             : static_cast<size_t>(std::count_if(items.begin(), items.end(), is_done));
}

// The results of all items, in their order. A result is written by to_json and read by from_json.
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
