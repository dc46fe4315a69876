#include "mambascope/serve/work_queue.h"

#include <fmt/format.h>

#include <utility>

#include "mambascope/error.h"

namespace mambascope {
namespace {

// Runs the work, and says how it ended.
void RunWork(const Work& work, EventStream& events) {
  try {
    if (events.IsCancelled()) throw Cancelled();
    work.run(events);
  } catch (const Cancelled&) {
    events.Send({.name = "cancelled", .data = Json::object()});
  } catch (const Error& e) {
    events.Send({.name = "error", .data = {{"message", e.what()}}});
  } catch (const std::exception& e) {
    events.Send({.name = "error", .data = {{"message", fmt::format("unexpected: {}", e.what())}}});
  }
  events.Close();
}

}  // namespace

void EventStream::Send(Event event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
  changed_.notify_all();
}

void EventStream::SendLatest(Event event) {
  const std::lock_guard lock(mutex_);
  events_.remove_if([&](const Event& other) { return other.name == event.name; });
  events_.push_back(std::move(event));
  changed_.notify_all();
}

void EventStream::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

std::optional<Event> EventStream::Next(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait, [this] { return closed_ || !events_.empty(); });
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

bool EventStream::IsOver() const {
  const std::lock_guard lock(mutex_);
  return closed_ && events_.empty();
}

void EventStream::Cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
}

bool EventStream::IsCancelled() const {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

WorkQueue::~WorkQueue() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    if (running_) running_->events->Cancel();
    for (const Item& item : waiting_) item.events->Cancel();
    Order();
  }
  added_.notify_all();
  worker_.join();
}

std::shared_ptr<EventStream> WorkQueue::Add(const std::string& client, Work work) {
  const auto events = std::make_shared<EventStream>();
  {
    const std::lock_guard lock(mutex_);
    if (running_ && running_->client == client) running_->events->Cancel();
    for (const Item& item : waiting_) {
      if (item.client == client) item.events->Cancel();
    }
    Order();
    if (waiting_.size() >= most_waiting_)
      throw Error(fmt::format("the server is busy: {} requests are waiting", waiting_.size()),
                  "try again in a moment");
    waiting_.push_back({client, std::move(work), events});
    Order();
  }
  added_.notify_one();
  return events;
}

void WorkQueue::Order() {
  for (auto item = waiting_.begin(); item != waiting_.end();) {
    if (item->events->IsCancelled()) {
      item->events->Send({.name = "cancelled", .data = Json::object()});
      item->events->Close();
      item = waiting_.erase(item);
    } else {
      ++item;
    }
  }
  const auto now = std::chrono::steady_clock::now();
  const auto goes_first = [&](const Item& item) {
    return item.work.length == Work::Length::kShort || now - item.since > patience_;
  };
  waiting_.sort([&](const Item& a, const Item& b) {
    return goes_first(a) != goes_first(b) ? goes_first(a) : a.since < b.since;
  });
  size_t ahead = running_ ? 1 : 0;
  for (const Item& item : waiting_) {
    if (ahead > 0) item.events->SendLatest({.name = "waiting", .data = {{"ahead", ahead}}});
    ++ahead;
  }
}

std::optional<WorkQueue::Item> WorkQueue::Take() {
  std::unique_lock lock(mutex_);
  running_.reset();
  added_.wait(lock, [this] {
    Order();
    return over_ || !waiting_.empty();
  });
  if (over_) return std::nullopt;
  running_ = std::move(waiting_.front());
  waiting_.pop_front();
  return running_;
}

void WorkQueue::Run() {
  while (const std::optional<Item> item = Take()) RunWork(item->work, *item->events);
}

}  // namespace mambascope
