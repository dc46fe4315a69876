#include "mambascope/serve/work_queue.h"

#include <fmt/format.h>

#include <utility>

#include "mambascope/error.h"

namespace mambascope {
namespace {

// Runs the work, and says how it ended.
void RunWork(const Work& work, Answer& answer) {
  try {
    if (answer.IsCancelled()) throw Cancelled();
    work.run(answer);
  } catch (const Cancelled&) {
    answer.Send({.name = "cancelled", .data = Json::object()});
  } catch (const Error& e) {
    answer.Send({.name = "error", .data = {{"message", e.what()}}});
  } catch (const std::exception& e) {
    answer.Send({.name = "error", .data = {{"message", fmt::format("unexpected: {}", e.what())}}});
  }
  answer.Close();
}

}  // namespace

void Answer::Send(Event event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
  changed_.notify_all();
}

void Answer::SendNews(Event event) {
  const std::lock_guard lock(mutex_);
  events_.remove_if([&](const Event& other) { return other.name == event.name; });
  events_.push_back(std::move(event));
  changed_.notify_all();
}

void Answer::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

std::optional<Event> Answer::Next(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait, [this] { return closed_ || !events_.empty(); });
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

bool Answer::IsOver() const {
  const std::lock_guard lock(mutex_);
  return closed_ && events_.empty();
}

void Answer::Cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
}

bool Answer::IsCancelled() const {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

WorkQueue::~WorkQueue() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    if (running_) running_->answer->Cancel();
    for (const Item& item : waiting_) item.answer->Cancel();
    Tidy();
  }
  added_.notify_all();
  worker_.join();
}

std::shared_ptr<Answer> WorkQueue::Add(const std::string& client, Work work) {
  const auto answer = std::make_shared<Answer>();
  {
    const std::lock_guard lock(mutex_);
    if (running_ && running_->client == client) running_->answer->Cancel();
    for (const Item& item : waiting_) {
      if (item.client == client) item.answer->Cancel();
    }
    Tidy();
    if (waiting_.size() >= most_waiting_)
      throw Error(fmt::format("the server is busy: {} requests wait", waiting_.size()),
                  "try again in a moment");
    waiting_.push_back({client, std::move(work), answer});
    Tidy();
  }
  added_.notify_one();
  return answer;
}

void WorkQueue::Tidy() {
  for (auto item = waiting_.begin(); item != waiting_.end();) {
    if (item->answer->IsCancelled()) {
      item->answer->Send({.name = "cancelled", .data = Json::object()});
      item->answer->Close();
      item = waiting_.erase(item);
    } else {
      ++item;
    }
  }
  const auto now = std::chrono::steady_clock::now();
  const auto goes_first = [now](const Item& item) {
    return item.work.length == Work::Length::kShort || now - item.since > kPatience;
  };
  waiting_.sort([&](const Item& a, const Item& b) {
    return goes_first(a) != goes_first(b) ? goes_first(a) : a.since < b.since;
  });
  size_t ahead = running_ ? 1 : 0;
  for (const Item& item : waiting_) {
    if (ahead > 0) item.answer->SendNews({.name = "waiting", .data = {{"ahead", ahead}}});
    ++ahead;
  }
}

std::optional<WorkQueue::Item> WorkQueue::Take() {
  std::unique_lock lock(mutex_);
  running_.reset();
  added_.wait(lock, [this] {
    Tidy();
    return over_ || !waiting_.empty();
  });
  if (over_) return std::nullopt;
  running_ = std::move(waiting_.front());
  waiting_.pop_front();
  return running_;
}

void WorkQueue::Run() {
  while (const std::optional<Item> item = Take()) RunWork(item->work, *item->answer);
}

}  // namespace mambascope
