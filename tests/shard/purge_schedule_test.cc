#include "shard/purge_schedule.h"

#include "base/clock.h"
#include "store/rows.h"
#include "store/store.h"
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

// The clock was wrong when the record was erased.
TEST_F(PurgeScheduleTest, PurgesWhatWasErasedInTheFuture) {
  Ingest({Person("crm", "1", {Email("a")})});
  ASSERT_TRUE(engine_->Erase({{"person", "crm", "1"}}).ok());
  const auto since = static_cast<uint64_t>(engine_->ErasuresInStore()->pending_since_micros);
  EXPECT_TRUE(PurgeIfDue(*engine_, 10, since - 1, kNever).value());
}

// The clock is behind that of the last purge, which was before a restart.
TEST_F(PurgeScheduleTest, WhatIsErasedInThePastIsPending) {
  Ingest({Person("crm", "1", {Email("a")})});
  engine_.reset();
  const int64_t future = int64_t{1} << 60U;
  {
    const auto store = store::Store::Open({.dir = options_.data_dir}).value();
    store::Batch batch;
    const Erasures purged{
        .records = 1, .last_micros = 5, .pending_since_micros = 0, .purged_micros = future};
    batch.Put(store::Family::kMeta, store::kErasuresKey, store::ErasuresRow{purged}.Encode());
    store->Commit(std::move(batch));
  }
  engine_ = Engine::Open(options_).value();
  EXPECT_TRUE(engine_->GetErasures()->AllGone());
  ASSERT_TRUE(engine_->Erase({{"person", "crm", "1"}}).ok());
  const ErasureStatus status = *engine_->GetErasures();
  EXPECT_GE(status.store.last_micros, future);
  EXPECT_FALSE(status.AllGone());
  ASSERT_TRUE(engine_->Purge(kNever).ok());
  EXPECT_GT(engine_->ErasuresInStore()->purged_micros, status.store.last_micros);
  EXPECT_TRUE(engine_->GetErasures()->AllGone());
}

// Whoever reads a state from before an erasure finds the names of what was erased.
TEST_F(PurgeScheduleTest, WhatIsStoppedIsNotPurged) {
  Ingest({Person("crm", "1", {Email("a")})});
  const View before = engine_->Read();
  const auto graph = ExportGraph(before, {}, 100, "");
  ASSERT_TRUE(graph.ok()) << graph.status();
  ASSERT_TRUE(engine_->Erase({{"person", "crm", "1"}}).ok());
  const auto stopped = PurgeIfDue(*engine_, 0, WallClockMicros() + 1'000'000, [] { return true; });
  EXPECT_EQ(stopped.status().code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(engine_->GetErasures()->AllGone());
  const auto again = ExportGraph(before, {}, 100, "");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->items.size(), graph->items.size());
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
