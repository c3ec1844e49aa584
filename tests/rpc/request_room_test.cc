#include "rpc/request_room.h"

#include <gtest/gtest.h>

#include <utility>

#include "base/thread.h"

namespace unirust::rpc {
namespace {

TEST(RequestRoom, IsGivenBack) {
  RequestRoom room(100);
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
}

TEST(RequestRoom, IsWaitedFor) {
  RequestRoom room(100);
  RequestRoom::Share first = room.Try(100);
  RequestRoom::Share second;
  Thread waiting("test-waiting", [&] { second = room.Wait(50); });
  first = RequestRoom::Share();
  waiting.Join();
  EXPECT_TRUE(second.taken());
  EXPECT_FALSE(room.Try(51).taken());
}

}  // namespace
}  // namespace unirust::rpc
