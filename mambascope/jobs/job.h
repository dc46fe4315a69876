// A job makes the results of items in batches. Results that its store has are not made again. New
// results are written to the store after each batch.
#pragma once

#include <algorithm>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
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
  size_t worker = 0;  // which of Job::workers computes the batch
  // The share of the batch that is done, and the units done.
  std::function<void(double share, int64_t units)> progress = {};
  // What is being done at present.
  std::function<void(const std::string& stage)> stage = {};
  // Stores a result before the batch is over. Results that are not given here are stored then.
  std::function<void(size_t item, const Result& result)> finished = {};
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
  size_t workers = 1;  // threads that call `run` at the same time, at least 1: RunJob's and others
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

// One execution of a job over `items`.
template <typename Item, typename Result>
class JobRun {
 public:
  // Takes the results that the stores have.
  JobRun(const Job<Item, Result>& job, const std::vector<Item>& items)
      : job_(job), items_(items), results_(items.size()), workers_(job.workers) {
    for (size_t i = 0; i < items.size(); ++i) {
      std::optional<Result> earlier;
      if (ResultStore* store = job.store(items[i]))
        earlier = store->template Read<Result>(job.key(items[i]));
      if (earlier) results_[i] = std::move(*earlier);
      else open_.push_back(i);
    }
    progress_.total = static_cast<int64_t>(items.size());
    progress_.done = progress_.begun_with = static_cast<double>(items.size() - open_.size());
  }

  // Makes the results that no store has. Throws what a batch throws. The other workers then stop at
  // their next report.
  std::vector<Result> Finish() {
    if (!open_.empty()) Tell();
    {
      std::vector<std::jthread> threads;  // joined at the end of the block
      for (size_t worker = 1; worker < workers_.size(); ++worker)
        threads.emplace_back([this, worker] { Work(worker); });
      Work(0);
    }
    if (failure_) std::rethrow_exception(failure_);
    return std::move(results_);
  }

 private:
  // What one worker has done, in all its batches.
  struct Worker {
    double items = 0;
    int64_t units = 0;
  };
  struct Stopped {};  // thrown in a worker when another one failed

  void Work(size_t worker) {
    try {
      for (;;) {
        size_t begin = 0;
        {
          const std::lock_guard lock(mutex_);
          if (failure_ || next_ >= open_.size()) return;
          begin = next_;
          next_ += job_.at_a_time;
        }
        RunBatch(worker, begin, std::min(begin + job_.at_a_time, open_.size()));
      }
    } catch (const Stopped&) {
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }

  // Computes the items from open_[begin] up to, but without, open_[end].
  void RunBatch(size_t worker, size_t begin, size_t end) {
    std::vector<Item> batch;
    for (size_t i = begin; i < end; ++i) batch.push_back(items_[open_[i]]);
    std::vector<bool> stored(batch.size(), false);
    const auto store = [&](size_t i, const Result& result) {
      ResultStore* const store_of = job_.store(batch[i]);
      if (store_of != nullptr && !stored[i]) store_of->Append(job_.key(batch[i]), result);
      stored[i] = true;
    };
    const auto whole = static_cast<double>(batch.size());
    const Worker before = workers_[worker];
    BatchReport<Result> report{.worker = worker};
    report.progress = [&](double share, int64_t units) {
      const std::lock_guard lock(mutex_);
      Advance(worker, before.items + std::min(share, 1.0) * whole, before.units + units);
      Tell();
    };
    report.stage = [&](const std::string& name) {
      const std::lock_guard lock(mutex_);
      progress_.stage = name;
      Tell();
    };
    report.finished = [&](size_t i, const Result& result) {
      const std::lock_guard lock(mutex_);
      store(i, result);
    };
    std::vector<Result> made = job_.run(batch, report);
    const std::lock_guard lock(mutex_);
    Advance(worker, before.items + whole, workers_[worker].units);
    for (size_t i = 0; i < batch.size(); ++i) {
      store(i, made[i]);
      results_[open_[begin + i]] = std::move(made[i]);
    }
  }

  void Advance(size_t worker, double items, int64_t units) {
    Worker& own = workers_[worker];
    own = {std::max(own.items, items), std::max(own.units, units)};
    progress_.done = progress_.begun_with;
    progress_.units = 0;
    for (const Worker& each : workers_) {
      progress_.done += each.items;
      progress_.units += each.units;
    }
  }

  void Tell() {
    if (failure_) throw Stopped();
    if (job_.progress) job_.progress(progress_);
  }

  const Job<Item, Result>& job_;
  const std::vector<Item>& items_;
  std::vector<size_t> open_;  // indices of the items that no store has
  std::mutex mutex_;          // guards the rest, and the stores
  size_t next_ = 0;           // index into open_
  std::vector<Result> results_;
  std::vector<Worker> workers_;
  JobProgress progress_ = {};
  std::exception_ptr failure_;
};

// Returns the results of all items, in their order. to_json writes a result and from_json reads it.
// The progress is first reported before any work. With several workers, stores have the results in
// the order in which they were made.
template <typename Item, typename Result>
std::vector<Result> RunJob(const Job<Item, Result>& job, const std::vector<Item>& items) {
  return JobRun<Item, Result>(job, items).Finish();
}

}  // namespace mambascope
