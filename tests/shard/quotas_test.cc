#include "shard/quotas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/thread.h"
#include "shard/retry_delay.h"

namespace unirust::shard {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kSecond = 1'000'000;
constexpr uint64_t kMiB = 1U << 20U;

config::TenantQuotas Rate(uint64_t requests_per_second, uint64_t burst) {
  return {.records = {},
          .requests_per_second = requests_per_second,
          .burst = burst,
          .bytes_in_flight = {}};
}

config::TenantQuotas Bytes(uint64_t bytes) {
  return {.records = {}, .requests_per_second = {}, .burst = 0, .bytes_in_flight = bytes};
}

// How many of `tries` begin at that time.
int Begun(Quotas& quotas, uint64_t now_micros, int tries = 100) {
  int begun = 0;
  for (int i = 0; i < tries; ++i) begun += quotas.Begin(0, now_micros).ok() ? 1 : 0;
  return begun;
}

TEST(Quotas, LetABurstThroughAndThenSoManyASecond) {
  Quotas quotas(Rate(10, 30), kSecond);
  EXPECT_EQ(Begun(quotas, kSecond), 30);
  EXPECT_EQ(Begun(quotas, 2 * kSecond), 10);
  EXPECT_EQ(Begun(quotas, 2 * kSecond + 99'999), 0);
  EXPECT_EQ(Begun(quotas, 2 * kSecond + 100'000), 1);
  EXPECT_EQ(Begun(quotas, 1000 * kSecond), 30);  // never more than a burst
  EXPECT_EQ(quotas.refusals().requests, 5 * 100U - 30 - 10 - 1 - 30);
  EXPECT_EQ(quotas.refusals().bytes, 0U);
}

TEST(Quotas, LoseNoPartOfARequestToRounding) {
  Quotas quotas(Rate(3, 2), 0);  // nothing spills over while it is asked all the time
  EXPECT_EQ(Begun(quotas, 0), 2);
  int begun = 0;
  for (uint64_t now = 0; now < 7 * kSecond; now += 7) begun += Begun(quotas, now, 1);
  EXPECT_EQ(begun, 20);  // the 21st would be at 7 s
  EXPECT_EQ(Begun(quotas, 7 * kSecond), 1);
}

TEST(Quotas, TellWhenTheNextRequestMayCome) {
  Quotas quotas(Rate(4, 1), 0);
  ASSERT_TRUE(quotas.Begin(0, 0).ok());
  const absl::Status refused = quotas.Begin(0, 100'500).status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_THAT(refused.message(), HasSubstr("the quota of 4 requests per second"));
  EXPECT_EQ(RetryDelayMs(refused), 150U);  // rounded up
  EXPECT_FALSE(quotas.Begin(0, 249'999).ok());
  EXPECT_TRUE(quotas.Begin(0, 250'000).ok());
}

TEST(Quotas, TakeTimesThatComeInAnyOrder) {
  Quotas quotas(Rate(1, 1), 10 * kSecond);
  EXPECT_EQ(Begun(quotas, 10 * kSecond), 1);
  EXPECT_EQ(Begun(quotas, 5 * kSecond), 0);
  EXPECT_EQ(Begun(quotas, 11 * kSecond), 1);
  EXPECT_EQ(Begun(quotas, 5 * kSecond), 0);
  EXPECT_EQ(Begun(quotas, 12 * kSecond - 1), 0);
}

TEST(Quotas, TakeTheLargestNumbers) {
  Quotas quotas(Rate(limits::kTenantRequestsMax, limits::kTenantRequestsMax), 0);
  EXPECT_EQ(Begun(quotas, ~uint64_t{0}), 100);
  Quotas slow(Rate(1, limits::kTenantRequestsMax), 0);
  EXPECT_EQ(Begun(slow, ~uint64_t{0} - kSecond), 100);
  EXPECT_EQ(Begun(slow, ~uint64_t{0}), 100);
}

TEST(Quotas, BoundTheBytesThatAreNotAnswered) {
  Quotas quotas(Bytes(8 * kMiB), 0);
  EXPECT_TRUE(quotas.BoundsBytes());
  absl::StatusOr<Quotas::Room> first = quotas.Begin(5 * kMiB, 0);
  ASSERT_TRUE(first.ok());
  const absl::Status refused = quotas.Begin(3 * kMiB + 1, 0).status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_THAT(refused.message(), HasSubstr("the quota of 8388608 bytes in flight"));
  EXPECT_EQ(RetryDelayMs(refused), limits::kRetryAfterMs);
  {
    const auto second = quotas.Begin(3 * kMiB, 0);
    ASSERT_TRUE(second.ok());
    EXPECT_FALSE(quotas.Begin(1, 0).ok());
    EXPECT_TRUE(quotas.Begin(0, 0).ok());
  }
  Quotas::Room kept = *std::move(first);
  EXPECT_TRUE(quotas.Begin(3 * kMiB, 0).ok());
  EXPECT_FALSE(quotas.Begin(3 * kMiB + 1, 0).ok());
  kept = Quotas::Room();
  EXPECT_TRUE(quotas.Begin(8 * kMiB, 0).ok());
  EXPECT_EQ(quotas.refusals().bytes, 3U);
  EXPECT_EQ(quotas.refusals().requests, 0U);
}

TEST(Quotas, TakeNothingOfARequestThatTheyRefuse) {
  config::TenantQuotas limits = Rate(1, 1);
  limits.bytes_in_flight = 4 * kMiB;
  Quotas quotas(limits, 0);
  std::optional<absl::StatusOr<Quotas::Room>> room = quotas.Begin(4 * kMiB, 0);
  ASSERT_TRUE(room->ok());
  EXPECT_FALSE(quotas.Begin(1, kSecond).ok());  // by the bytes: the second's request is still there
  room.reset();
  EXPECT_TRUE(quotas.Begin(4 * kMiB, kSecond).ok());
  EXPECT_FALSE(quotas.Begin(4 * kMiB, kSecond).ok());  // by the rate: no bytes are taken
  EXPECT_TRUE(quotas.Begin(4 * kMiB, 2 * kSecond).ok());
}

TEST(Quotas, AreNoneWhereNoneAreDeclared) {
  Quotas quotas({}, 0);
  EXPECT_FALSE(quotas.BoundsBytes());
  std::vector<Quotas::Room> rooms;
  for (int i = 0; i < 1000; ++i) rooms.push_back(quotas.Begin(kMiB, 0).value());
}

TEST(Quotas, MayBeChanged) {
  Quotas quotas(Rate(10, 10), 0);
  EXPECT_EQ(Begun(quotas, 0), 10);
  quotas.Change(Rate(20, 30), 0);
  EXPECT_EQ(Begun(quotas, 0), 0);  // what is used up stays so
  EXPECT_EQ(Begun(quotas, kSecond), 20);
  quotas.Change(Rate(20, 5), 3 * kSecond);
  EXPECT_EQ(Begun(quotas, 3 * kSecond), 5);
  quotas.Change({}, 3 * kSecond);
  EXPECT_EQ(Begun(quotas, 3 * kSecond), 100);
  quotas.Change(Rate(1, 2), 4 * kSecond);
  EXPECT_EQ(Begun(quotas, 4 * kSecond), 2);
}

TEST(Quotas, AStreamWaitsForRoom) {
  Quotas quotas(Bytes(4 * kMiB));
  std::optional<Quotas::Room> room = quotas.AwaitBegin(4 * kMiB, [] { return false; }).value();
  std::atomic<bool> asked = false;
  std::atomic<bool> begun = false;
  Thread waiter("waiter", [&] {
    const auto waited = quotas.AwaitBegin(4 * kMiB, [&] {
      asked = true;
      return false;
    });
    begun = waited.ok();
  });
  while (!asked) std::this_thread::yield();
  EXPECT_FALSE(begun);
  room.reset();
  waiter.Join();
  EXPECT_TRUE(begun);
  EXPECT_EQ(quotas.refusals().bytes, 0U);
}

TEST(Quotas, AStreamWhoseClientHasGoneWaitsNoMore) {
  Quotas quotas(Rate(1, 1));
  ASSERT_TRUE(quotas.AwaitBegin(0, [] { return false; }).ok());
  EXPECT_TRUE(absl::IsCancelled(quotas.AwaitBegin(0, [] { return true; }).status()));
}

}  // namespace
}  // namespace unirust::shard
