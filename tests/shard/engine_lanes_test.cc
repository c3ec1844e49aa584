// Unary requests and chunks of streams, which have a lane each to the commits (shard/commit_lanes.h).
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "shard/engine.h"
#include "tests/shard/engine_fixture.h"

namespace unirust::shard {
namespace {

// By what stands at last: the chunk, which came last, does not wait until all that came before it in the other lane has
// gone. Again, until all of them wait while the first request is resolved.
TEST_F(EngineTest, LanesShareTheCommits) {
  std::vector<Write> many;
  for (size_t i = 0; i < limits::kRecordsPerRequestMax; ++i) {
    many.push_back(Person("crm", std::to_string(i), {Email("e")}));
  }
  const std::vector<Write> full(many.begin(), many.begin() + limits::kCommitRecordsMax);
  for (bool waited = false; !waited;) {
    std::vector<Ingestion> waiting;
    const auto submit = [&](std::vector<Write> writes, Lane lane) {
      auto submitted = engine_->Submit(std::move(writes), lane);
      ASSERT_TRUE(submitted.ok()) << submitted.status();
      waiting.push_back(*std::move(submitted));
    };
    submit(many, Lane::kUnary);
    while (engine_->QueuedRecords() > 0) std::this_thread::yield();
    for (int i = 0; i < 3; ++i) submit(full, Lane::kUnary);
    submit({Person("erp", "1", {Email("unary")})}, Lane::kUnary);
    submit({Person("erp", "1", {Email("stream")})}, Lane::kStreams);
    waited = engine_->QueuedRecords() == 3 * full.size() + 2;
    for (Ingestion& ingestion : waiting) EXPECT_TRUE(ingestion.Await().ok());
  }
  EXPECT_EQ(engine_->Read().GetEntity({"person", "erp", "1"}, std::nullopt)->golden.at(0).value,
            "unary");
}

// Not with its answer, which a client may leave unread.
TEST_F(EngineTest, WhatARequestHoldsGoesWithItsCommit) {
  auto held = std::make_shared<int>();
  const std::weak_ptr<int> there = held;
  auto first = engine_->Submit({Person("crm", "1")}, Lane::kStreams, std::move(held));
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(engine_->Ingest({Person("crm", "2")}).ok());
  auto second = engine_->Submit({Person("crm", "3")}, Lane::kStreams);
  ASSERT_TRUE(second.ok() && second->Await().ok());
  EXPECT_TRUE(there.expired());
  EXPECT_TRUE(first->Await().ok());
}

}  // namespace
}  // namespace unirust::shard
