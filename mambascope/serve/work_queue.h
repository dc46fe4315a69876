// Requests that compute wait in one queue. One of them is computed at a time, so many readers take
// no more memory and cores than one.
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

// What a reader hears of its request, such as {"progress", {"share": 0.4}}.
struct Event {
  std::string name;
  Json data;
};

// Ends work that nobody waits for.
class Cancelled : public std::exception {
 public:
  const char* what() const noexcept override { return "the request is cancelled"; }
};

// The events of one request, from the thread that works to the one that writes to the reader. A
// slow reader misses only events that newer ones of the same name replace.
class Answer {
 public:
  // Of news, such as progress, only the newest is kept for the reader.
  void Send(Event event);
  void SendNews(Event event);
  // No event follows.
  void Close();
  // The next event. None: the time is over, or the answer is closed and all events were read.
  std::optional<Event> Next(std::chrono::milliseconds wait);
  // Whether it is closed and all events were read.
  bool IsOver() const;

  void Cancel();
  bool IsCancelled() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Event> events_;
  bool closed_ = false, cancelled_ = false;
};

// A request's work. It may call Send and SendNews, and ends by returning or by an exception. Short
// work goes before long work that has not waited for kPatience.
struct Work {
  enum class Length { kShort, kLong } length = Length::kLong;
  std::function<void(Answer&)> run;
};
inline constexpr std::chrono::seconds kPatience{3};

class WorkQueue {
 public:
  explicit WorkQueue(size_t most_waiting) : most_waiting_(most_waiting) {}
  // Cancels all work, and waits for the work that runs.
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // Adds a request of a client, and cancels the client's earlier one. Throws Error when too many
  // requests wait. While it waits, "waiting" {ahead} counts the requests before it. The answer ends
  // with an event that the work sends, or with "error" {message} or "cancelled" {}.
  std::shared_ptr<Answer> Add(const std::string& client, Work work);

 private:
  struct Item {
    std::string client;
    Work work;
    std::shared_ptr<Answer> answer;
    std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
  };
  void Run();
  // Drops cancelled items, puts the others into the order in which they are computed, and tells
  // them their place. REQUIRES: mutex_ is held.
  void Tidy();
  // Waits for an item. None: the queue is over.
  std::optional<Item> Take();

  const size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable added_;
  std::list<Item> waiting_;
  std::optional<Item> running_;
  bool over_ = false;
  std::thread worker_{[this] { Run(); }};  // the last member: it uses the others
};

}  // namespace mambascope
