#include "rpc/request_room.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>

#include "base/thread.h"

namespace unirust::rpc {
namespace {

TEST(RequestRoom, IsGivenBack) {
  RequestRoom room(200);
  RequestRoom::Share first = room.Try(60);
  EXPECT_TRUE(first.taken());
  EXPECT_FALSE(room.Try(41).taken());
  EXPECT_TRUE(room.Try(40).taken());
  RequestRoom::Share moved = std::move(first);
  EXPECT_FALSE(room.Try(41).taken());
  moved = RequestRoom::Share();
  EXPECT_TRUE(room.Try(100).taken());
}

TEST(RequestRoom, HasAnyRequestAlone) {
  RequestRoom room(100);
  const RequestRoom::Share large = room.Try(1000);
  EXPECT_TRUE(large.taken());
  EXPECT_FALSE(room.Try(1).taken());
  EXPECT_TRUE(room.Wait(1000).taken());
}

TEST(RequestRoom, IsWaitedFor) {
  RequestRoom room(200);
  RequestRoom::Share first = room.Wait(100);
  RequestRoom::Share second;
  Thread waiting("test-waiting", [&] { second = room.Wait(50); });
  first = RequestRoom::Share();
  waiting.Join();
  EXPECT_TRUE(second.taken());
}

// The small ones come only after the large one: with what they leave it would never have room.
TEST(RequestRoom, IsHadInTheOrderOfArrival) {
  RequestRoom room(200);
  RequestRoom::Share first = room.Wait(60);
  std::atomic<bool> large_has_it = false;
  Thread large("test-large", [&] {
    const RequestRoom::Share share = room.Wait(100);
    large_has_it = true;
  });
  while (room.waiting() == 0) std::this_thread::yield();
  std::atomic<bool> small_has_it = false;
  Thread small("test-small", [&] {
    const RequestRoom::Share share = room.Wait(10);
    EXPECT_TRUE(large_has_it);
    small_has_it = true;
  });
  while (room.waiting() == 1 && !small_has_it) std::this_thread::yield();
  first = RequestRoom::Share();
  large.Join();
  small.Join();
}

TEST(RequestRoom, IsThereForStreamsWhateverUnaryRequestsTake) {
  RequestRoom room(200);
  const RequestRoom::Share flood = room.Try(100);
  EXPECT_FALSE(room.Try(1).taken());
  const RequestRoom::Share chunk = room.Wait(100);
  EXPECT_TRUE(chunk.taken());
  EXPECT_FALSE(room.Try(1).taken());
}

TEST(RequestRoom, IsThereForUnaryRequestsWhateverStreamsTake) {
  RequestRoom room(200);
  const RequestRoom::Share chunk = room.Wait(100);
  EXPECT_TRUE(room.Try(100).taken());
}

}  // namespace
}  // namespace unirust::rpc
