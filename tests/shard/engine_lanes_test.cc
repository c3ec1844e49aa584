// Unary requests and chunks of streams, which have a lane each to the commits (shard/commit_lanes.h).
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/limits.h"
#include "shard/engine.h"
#include "tests/shard/engine_fixture.h"

namespace unirust::shard {
namespace {

// By what stands at last: the chunk, which came last, does not wait until all that came before it in the other lane has
// gone. The first request takes longer than all others take to arrive.
TEST_F(EngineTest, LanesShareTheCommits) {
  std::vector<Ingestion> waiting;
  const auto submit = [&](std::vector<Write> writes, Lane lane) {
    auto submitted = engine_->Submit(std::move(writes), lane);
    ASSERT_TRUE(submitted.ok()) << submitted.status();
    waiting.push_back(*std::move(submitted));
  };
  std::vector<Write> many;
  for (size_t i = 0; i < limits::kRecordsPerRequestMax; ++i) {
    many.push_back(Person("crm", std::to_string(i), {Email("e")}));
  }
  submit(many, Lane::kUnary);
  many.resize(limits::kCommitRecordsMax);
  for (int i = 0; i < 3; ++i) submit(many, Lane::kUnary);
  submit({Person("erp", "1", {Email("unary")})}, Lane::kUnary);
  submit({Person("erp", "1", {Email("stream")})}, Lane::kStreams);
  for (Ingestion& ingestion : waiting) EXPECT_TRUE(ingestion.Await().ok());
  EXPECT_EQ(engine_->Read().GetEntity({"person", "erp", "1"}, std::nullopt)->golden.at(0).value,
            "unary");
}

// The chunk is certain to fit. What comes after it in the other lane is not, and must not take its room.
TEST_F(EngineTest, LanesKeepTheQuotaOfRecords) {
  std::vector<Write> many;
  for (size_t i = 0; i < limits::kRecordsPerRequestMax; ++i) {
    many.push_back(Person("crm", std::to_string(i), {Email("e")}));
  }
  engine_->SetRecordsMax(many.size() + 3);
  auto first = engine_->Submit(many, Lane::kStreams);
  auto chunk = engine_->Submit({Person("erp", "1"), Person("erp", "2"), Person("erp", "3")},
                               Lane::kStreams);
  auto unary = engine_->Submit({Person("web", "1"), Person("web", "2")}, Lane::kUnary);
  ASSERT_TRUE(first.ok() && chunk.ok() && unary.ok());
  EXPECT_TRUE(chunk->certain());
  EXPECT_FALSE(unary->certain());
  EXPECT_TRUE(first->Await().ok());
  EXPECT_TRUE(chunk->Await().ok());
  EXPECT_EQ(unary->Await().status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Records(), many.size() + 3);
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
