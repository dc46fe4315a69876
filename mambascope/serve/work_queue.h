// Requests that compute wait in one queue. One of them is computed at a time. Many clients then
// need no more memory and cores than one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

// What a client hears of its request, such as {"progress", {"share": 0.4}}.
struct Event {
  std::string name;
  Json data;
};

// Ends work that nobody waits for.
class Cancelled : public std::exception {
 public:
  const char* what() const noexcept override { return "the request is cancelled"; }
};

// The events of one request. The thread that computes sends them, and the thread that writes to the
// client takes them.
class EventStream {
 public:
  // Keeps every event until it is taken.
  void Send(Event event);
  // Replaces an event of the same name that was not taken yet, as for progress. A slow client then
  // takes no more memory than a fast one.
  void SendLatest(Event event);
  // No event follows.
  void Close();
  // Takes the next event. None: the time is over, or the stream is closed and has no event left.
  std::optional<Event> Next(std::chrono::milliseconds wait);
  // Whether it is closed and all events were taken.
  bool IsOver() const;

  void Cancel();
  bool IsCancelled() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Event> events_;
  bool closed_ = false, cancelled_ = false;
};

// A request's work. It sends events, and ends by returning or by an exception.
struct Work {
  enum class Length { kShort, kLong } length = Length::kLong;
  std::function<void(EventStream&)> run;
};

class WorkQueue {
 public:
  // Refuses further requests when `most_waiting` wait. Short work overtakes long work, unless the
  // long work has waited for `patience`.
  explicit WorkQueue(size_t most_waiting,
                     std::chrono::milliseconds patience = std::chrono::seconds(3))
      : most_waiting_(most_waiting), patience_(patience) {}
  // Cancels all work, and waits for the work that runs.
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // Adds a request of a client, and cancels the client's earlier one. Throws Error when too many
  // requests wait. While it waits, "waiting" {ahead} counts the requests before it. The stream ends
  // with an event that the work sends, or with "error" {message} or "cancelled" {}.
  std::shared_ptr<EventStream> Add(const std::string& client, Work work);

 private:
  struct Item {
    std::string client;
    Work work;
    std::shared_ptr<EventStream> events;
    std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
  };
  void Run();
  // Drops cancelled items, puts the others into the order in which they are computed, and tells
  // them their place. REQUIRES: mutex_ is held.
  void Order();
  // Waits for an item. None: the queue is over.
  std::optional<Item> Take();

  const size_t most_waiting_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable added_;
  std::list<Item> waiting_;
  std::optional<Item> running_;
  bool over_ = false;
  std::thread worker_{[this] { Run(); }};  // the last member: it uses the others
};

}  // namespace mambascope
