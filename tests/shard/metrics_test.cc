#include "shard/metrics.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "ontology/ontology.h"
#include "shard/engine.h"
#include "shard/open.h"

namespace unirust::shard {
namespace {

TEST(MemoryShares, AddUpToTheBudget) {
  for (uint64_t budget = limits::kMemoryBudgetBytesMin; budget < uint64_t{1} << 40U; budget *= 2) {
    const MemoryShares shares = MemoryShares::Of(budget);
    EXPECT_EQ(shares.store_bytes + shares.queue_bytes + shares.commit_bytes(), budget);
    EXPECT_GT(shares.store_bytes, budget / 2);
    EXPECT_GE(shares.commit_records, 500U);
    EXPECT_LE(shares.commit_records, limits::kCommitRecordsMax);
  }
}

class MetricsTest : public ::testing::Test {
 protected:
  MetricsTest() : directory_(*TemporaryDirectory::Create()) {
    engine_ = *Engine::Open({.data_dir = directory_->path() + "/data",
                             .shard_id = 0,
                             .memory_budget_bytes = limits::kMemoryBudgetBytesMin,
                             .backup_dir = {},
                             .allow_reset = false});
    const auto ontology = ontology::ParseOntology(
        R"({"identity_keys": [{"name": "by_email", "attributes": ["email"]},
                              {"name": "by_phone", "attributes": ["phone"]}]})");
    EXPECT_TRUE(ontology.ok()) << ontology.status();
    EXPECT_TRUE(engine_->SetOntology(*ontology).ok());
  }

  // Writes `count` records, from `first` on, that share one e-mail address.
  void Ingest(size_t first, size_t count, const std::string& email) {
    std::vector<Write> writes;
    for (size_t i = first; i < first + count; ++i) {
      Write& write = writes.emplace_back();
      write.identity = {"person", "crm", std::to_string(i)};
      write.descriptors = {{"email", email, {0, 10}}, {"phone", "all", {0, 10}}};
    }
    const auto assignments = engine_->Ingest(std::move(writes));
    ASSERT_TRUE(assignments.ok()) << assignments.status();
  }

  std::unique_ptr<TemporaryDirectory> directory_;
  std::unique_ptr<Engine> engine_;
};

// Records are counted through the levels: two blocks by e-mail, one entity by telephone.
TEST_F(MetricsTest, CountTheRecordsOfAnEntityOverItsLevels) {
  Ingest(0, 3, "a");
  Ingest(3, 4, "b");
  const Histogram::Counts sizes = engine_->metrics().entity_records.counts();
  EXPECT_EQ(sizes.total(), 2U);
  EXPECT_EQ(sizes.sum(), 3U + 7U);
}

TEST_F(MetricsTest, CountNothingOfARefusedRequest) {
  Write empty_interval;
  empty_interval.identity = {"person", "crm", "1"};
  empty_interval.descriptors = {{"email", "a", {5, 5}}};
  EXPECT_FALSE(engine_->Ingest({empty_interval}).ok());
  EXPECT_EQ(engine_->metrics().commit_records.counts().total(), 0U);
  EXPECT_EQ(engine_->metrics().queue.counts().total(), 0U);
}

}  // namespace
}  // namespace unirust::shard
