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

// The names of a stream's events until it is over. Waits for them.
std::vector<std::string> Names(EventStream& stream) {
  std::vector<std::string> names;
  while (!stream.IsOver()) {
    if (const auto event = stream.Next(milliseconds(50))) names.push_back(event->name);
  }
  return names;
}

// Work that writes its name to a list when it is done.
Work Named(std::vector<std::string>& done, const std::string& name, Length length = Length::kLong) {
  return {length, [&done, name](EventStream& events) {
            done.push_back(name);
            events.Send({"result", name});
          }};
}

// Work that runs until it is let go, or cancelled.
struct Blocker {
  std::promise<void> started, go;
  Work work() {
    return {Length::kLong, [this](EventStream& events) {
              started.set_value();
              const auto gone = go.get_future();
              while (gone.wait_for(milliseconds(1)) != std::future_status::ready) {
                if (events.IsCancelled()) throw Cancelled();
              }
              events.Send({"result", "blocker"});
            }};
  }
};

TEST(WorkQueueTest, ShortWorkGoesBeforeLongWorkAndNothingOvertakesItsLike) {
  std::vector<std::string> done;
  Blocker blocker;
  WorkQueue queue(10);
  const auto first = queue.Add("a", blocker.work());
  blocker.started.get_future().wait();
  const std::vector streams = {queue.Add("b", Named(done, "long 1")),
                               queue.Add("c", Named(done, "long 2")),
                               queue.Add("d", Named(done, "short 1", Length::kShort)),
                               queue.Add("e", Named(done, "short 2", Length::kShort))};
  EXPECT_EQ(streams[0]->Next(milliseconds(0))->data["ahead"], 3) << "short work came before it";
  EXPECT_EQ(streams[2]->Next(milliseconds(0))->data["ahead"], 1);
  blocker.go.set_value();
  for (const auto& stream : streams) Names(*stream);
  EXPECT_THAT(done, ElementsAre("short 1", "short 2", "long 1", "long 2"));
  EXPECT_THAT(Names(*first), ElementsAre("result"));
}

// Otherwise many clients that type would hold up a trace for ever.
TEST(WorkQueueTest, LongWorkThatHasWaitedIsNotOvertaken) {
  std::vector<std::string> done;
  Blocker blocker;
  WorkQueue queue(10, milliseconds(20));
  const auto first = queue.Add("a", blocker.work());
  blocker.started.get_future().wait();
  const auto waited = queue.Add("b", Named(done, "long"));
  std::this_thread::sleep_for(milliseconds(40));
  const auto later = queue.Add("c", Named(done, "short", Length::kShort));
  blocker.go.set_value();
  Names(*waited);
  Names(*later);
  EXPECT_THAT(done, ElementsAre("long", "short"));
}

TEST(WorkQueueTest, ANewRequestOfAClientCancelsItsEarlierOne) {
  std::vector<std::string> done;
  Blocker blocker;
  WorkQueue queue(10);
  const auto running = queue.Add("a", blocker.work());
  blocker.started.get_future().wait();
  const auto waiting = queue.Add("b", Named(done, "old"));
  const auto other = queue.Add("b", Named(done, "new"));
  EXPECT_EQ(Names(*waiting).back(), "cancelled") << "before it ran";
  const auto next = queue.Add("a", Named(done, "next"));
  EXPECT_THAT(Names(*running), ElementsAre("cancelled")) << "while it ran";
  Names(*other);
  Names(*next);
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
  Names(*c);
  Names(*d);
  EXPECT_THAT(done, ElementsAre("c", "d"));
}

TEST(WorkQueueTest, ErrorsAreEventsAndTheQueueGoesOn) {
  std::vector<std::string> done;
  WorkQueue queue(10);
  const auto error =
      queue.Add("a", {Length::kLong, [](EventStream&) { throw Error("bad prompt"); }});
  const auto other =
      queue.Add("b", {Length::kLong, [](EventStream&) { throw std::runtime_error("worse"); }});
  EXPECT_THAT(Names(*queue.Add("c", Named(done, "c"))), testing::Contains("result"));
  std::optional<Event> event;
  while ((event = error->Next(milliseconds(50))) && event->name != "error") {
  }
  EXPECT_EQ(event->data["message"], "bad prompt");
  EXPECT_EQ(Names(*other).back(), "error");
}

TEST(WorkQueueTest, ASlowReaderMissesOldNewsOnly) {
  EventStream events;
  events.Send({"warning", 1});
  for (int i = 0; i < 1000; ++i) events.SendLatest({"progress", i});
  events.Send({"warning", 2});
  events.Close();
  EXPECT_EQ(events.Next(milliseconds(0))->data, 1);
  EXPECT_EQ(events.Next(milliseconds(0))->data, 999);
  EXPECT_EQ(events.Next(milliseconds(0))->data, 2);
  EXPECT_FALSE(events.Next(milliseconds(0)));
  EXPECT_TRUE(events.IsOver());
}

TEST(WorkQueueTest, ItsEndCancelsAllWork) {
  std::vector<std::string> done;
  Blocker blocker;
  std::shared_ptr<EventStream> running, waiting;
  {
    WorkQueue queue(10);
    running = queue.Add("a", blocker.work());
    blocker.started.get_future().wait();
    waiting = queue.Add("b", Named(done, "b"));
  }
  EXPECT_EQ(Names(*running).back(), "cancelled");
  EXPECT_EQ(Names(*waiting).back(), "cancelled");
  EXPECT_TRUE(done.empty());
}

}  // namespace
}  // namespace mambascope
