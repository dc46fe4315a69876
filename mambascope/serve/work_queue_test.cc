#include "mambascope/serve/work_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "mambascope/error.h"

namespace mambascope {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using Length = Work::Length;

// The names of an answer's events until it is over. Waits for them.
std::vector<std::string> Events(Answer& answer) {
  std::vector<std::string> names;
  while (!answer.IsOver()) {
    if (const auto event = answer.Next(milliseconds(50))) names.push_back(event->name);
  }
  return names;
}

// Work that writes its name to a list when it is done.
Work Named(std::vector<std::string>& done, const std::string& name, Length length = Length::kLong) {
  return {length, [&done, name](Answer& answer) {
            done.push_back(name);
            answer.Send({"result", name});
          }};
}

// Work that runs until it is let go, or cancelled.
struct Blocker {
  std::promise<void> started, go;
  Work work() {
    return {Length::kLong, [this](Answer& answer) {
              started.set_value();
              const auto gone = go.get_future();
              while (gone.wait_for(milliseconds(1)) != std::future_status::ready) {
                if (answer.IsCancelled()) throw Cancelled();
              }
              answer.Send({"result", "blocker"});
            }};
  }
};

TEST(WorkQueueTest, ShortWorkGoesBeforeLongWorkAndNothingOvertakesItsLike) {
  std::vector<std::string> done;
  Blocker blocker;
  WorkQueue queue(10);
  const auto first = queue.Add("a", blocker.work());
  blocker.started.get_future().wait();
  const std::vector answers = {queue.Add("b", Named(done, "long 1")),
                               queue.Add("c", Named(done, "long 2")),
                               queue.Add("d", Named(done, "short 1", Length::kShort)),
                               queue.Add("e", Named(done, "short 2", Length::kShort))};
  EXPECT_EQ(answers[0]->Next(milliseconds(0))->data["ahead"], 3) << "short work came before it";
  EXPECT_EQ(answers[2]->Next(milliseconds(0))->data["ahead"], 1);
  blocker.go.set_value();
  for (const auto& answer : answers) Events(*answer);
  EXPECT_THAT(done, ElementsAre("short 1", "short 2", "long 1", "long 2"));
  EXPECT_THAT(Events(*first), ElementsAre("result"));
}

TEST(WorkQueueTest, ANewRequestOfAClientCancelsItsEarlierOne) {
  std::vector<std::string> done;
  Blocker blocker;
  WorkQueue queue(10);
  const auto running = queue.Add("a", blocker.work());
  blocker.started.get_future().wait();
  const auto waiting = queue.Add("b", Named(done, "old"));
  const auto other = queue.Add("b", Named(done, "new"));
  EXPECT_EQ(Events(*waiting).back(), "cancelled") << "before it ran";
  const auto next = queue.Add("a", Named(done, "next"));
  EXPECT_THAT(Events(*running), ElementsAre("cancelled")) << "while it ran";
  Events(*other);
  Events(*next);
  EXPECT_THAT(done, ElementsAre("new", "next"));
}

TEST(WorkQueueTest, RefusesMoreThanItHolds) {
  std::vector<std::string> done;
  Blocker blocker;
  WorkQueue queue(2);
  const auto running = queue.Add("a", blocker.work());
  blocker.started.get_future().wait();
  const auto b = queue.Add("b", Named(done, "b")), c = queue.Add("c", Named(done, "c"));
  EXPECT_THROW(queue.Add("d", Named(done, "d")), Error);
  b->Cancel();  // its reader is gone
  const auto d = queue.Add("d", Named(done, "d"));
  blocker.go.set_value();
  Events(*c);
  Events(*d);
  EXPECT_THAT(done, ElementsAre("c", "d"));
}

TEST(WorkQueueTest, ErrorsAreEventsAndTheQueueGoesOn) {
  std::vector<std::string> done;
  WorkQueue queue(10);
  const auto error = queue.Add("a", {Length::kLong, [](Answer&) { throw Error("bad prompt"); }});
  const auto other =
      queue.Add("b", {Length::kLong, [](Answer&) { throw std::runtime_error("worse"); }});
  EXPECT_THAT(Events(*queue.Add("c", Named(done, "c"))), testing::Contains("result"));
  std::optional<Event> event;
  while ((event = error->Next(milliseconds(50))) && event->name != "error") {
  }
  EXPECT_EQ(event->data["message"], "bad prompt");
  EXPECT_EQ(Events(*other).back(), "error");
}

TEST(WorkQueueTest, ASlowReaderMissesOldNewsOnly) {
  Answer answer;
  answer.Send({"warning", 1});
  for (int i = 0; i < 1000; ++i) answer.SendNews({"progress", i});
  answer.Send({"warning", 2});
  answer.Close();
  EXPECT_EQ(answer.Next(milliseconds(0))->data, 1);
  EXPECT_EQ(answer.Next(milliseconds(0))->data, 999);
  EXPECT_EQ(answer.Next(milliseconds(0))->data, 2);
  EXPECT_FALSE(answer.Next(milliseconds(0)));
  EXPECT_TRUE(answer.IsOver());
}

TEST(WorkQueueTest, ItsEndCancelsAllWork) {
  std::vector<std::string> done;
  Blocker blocker;
  std::shared_ptr<Answer> running, waiting;
  {
    WorkQueue queue(10);
    running = queue.Add("a", blocker.work());
    blocker.started.get_future().wait();
    waiting = queue.Add("b", Named(done, "b"));
  }
  EXPECT_EQ(Events(*running).back(), "cancelled");
  EXPECT_EQ(Events(*waiting).back(), "cancelled");
  EXPECT_TRUE(done.empty());
}

}  // namespace
}  // namespace mambascope
