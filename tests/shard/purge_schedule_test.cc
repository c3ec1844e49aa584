#include "shard/purge_schedule.h"

#include "tests/shard/engine_fixture.h"

namespace unirust::shard {
namespace {

const auto kNever = [] { return false; };

class PurgeScheduleTest : public EngineTest {};

TEST_F(PurgeScheduleTest, PurgesOnceTheFirstErasureIsOldEnough) {
  Ingest({Person("crm", "1", {Email("a")}), Person("crm", "2", {Email("b")})});
  const uint64_t year_micros = 365ULL * 86400 * 1'000'000;
  EXPECT_FALSE(PurgeIfDue(*engine_, 10, WallClockMicros() + year_micros, kNever).value());
  ASSERT_TRUE(engine_->Erase({{"person", "crm", "1"}}).ok());
  const auto since = static_cast<uint64_t>(engine_->ErasuresInStore()->pending_since_micros);
  ASSERT_TRUE(engine_->Erase({{"person", "crm", "2"}}).ok());
  EXPECT_EQ(static_cast<uint64_t>(engine_->ErasuresInStore()->pending_since_micros), since);
  EXPECT_FALSE(PurgeIfDue(*engine_, 10, since + 9'999'999, kNever).value());
  EXPECT_TRUE(PurgeIfDue(*engine_, 10, since + 10'000'000, kNever).value());
  EXPECT_EQ(engine_->ErasuresInStore()->pending_since_micros, 0);
  EXPECT_TRUE(engine_->GetErasures()->AllGone());
  EXPECT_FALSE(PurgeIfDue(*engine_, 10, since + year_micros, kNever).value());
}

TEST_F(PurgeScheduleTest, WhatIsStoppedIsNotPurged) {
  Ingest({Person("crm", "1", {Email("a")})});
  const View before = engine_->Read();
  ASSERT_TRUE(engine_->Erase({{"person", "crm", "1"}}).ok());
  const auto stopped = PurgeIfDue(*engine_, 0, WallClockMicros() + 1'000'000, [] { return true; });
  EXPECT_EQ(stopped.status().code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(engine_->GetErasures()->AllGone());
}

// The instants ascend, so that a purge is never before what it is for.
TEST_F(PurgeScheduleTest, ErasuresAfterAPurgeArePending) {
  Ingest({Person("crm", "1", {Email("a")}), Person("crm", "2", {Email("b")})});
  ASSERT_TRUE(engine_->Erase({{"person", "crm", "1"}}).ok());
  ASSERT_TRUE(engine_->Purge(kNever).ok());
  ASSERT_TRUE(engine_->Erase({{"person", "crm", "2"}}).ok());
  const Erasures erasures = *engine_->ErasuresInStore();
  EXPECT_GE(erasures.last_micros, erasures.purged_micros);
  EXPECT_EQ(erasures.pending_since_micros, erasures.last_micros);
  EXPECT_FALSE(engine_->GetErasures()->AllGone());
  Reopen();
  EXPECT_EQ(*engine_->ErasuresInStore(), erasures);
}

}  // namespace
}  // namespace unirust::shard
