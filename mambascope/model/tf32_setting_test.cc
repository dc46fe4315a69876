#include "mambascope/model/tf32_setting.h"

#include <ATen/Context.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <string>

namespace mambascope {
namespace {

bool IsTf32() { return at::globalContext().allowTF32CuBLAS(); }

TEST(Tf32SettingTest, RestoresWhatWasSet) {
  for (const std::string before : {"highest", "high", "medium"}) {
    at::globalContext().setFloat32MatmulPrecision(before);
    const at::Float32MatmulPrecision want = at::globalContext().float32MatmulPrecision();
    for (const bool tf32 : {true, false}) {
      const Tf32Setting setting(tf32);
      EXPECT_EQ(IsTf32(), tf32);
    }
    EXPECT_EQ(at::globalContext().float32MatmulPrecision(), want) << before;
  }
  at::globalContext().setFloat32MatmulPrecision("highest");
}

TEST(Tf32SettingTest, OthersWaitForThoseThatShareIt) {
  std::optional<Tf32Setting> first(std::in_place, true), second(std::in_place, true);
  std::atomic<bool> begun = false;
  std::future<bool> other = std::async(std::launch::async, [&] {
    const Tf32Setting setting(false);
    begun = true;
    return IsTf32();
  });
  first.reset();
  EXPECT_EQ(other.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  EXPECT_FALSE(begun);
  EXPECT_TRUE(IsTf32());
  second.reset();
  EXPECT_FALSE(other.get());
  EXPECT_FALSE(IsTf32());
}

}  // namespace
}  // namespace mambascope
