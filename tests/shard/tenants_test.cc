// What the tenants of a daemon share, and what they do not: in one process, without a network.
#include "shard/tenants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/thread.h"
#include "shard/memory_shares.h"
#include "shard/metrics.h"
#include "shard/retry_delay.h"
#include "tests/shard/engine_fixture.h"

namespace unirust::shard {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// --- the quota of records ------------------------------------------------------------------------

class RecordsQuota : public EngineTest {
 protected:
  // The message of a refusal; empty: it was taken.
  std::string Try(std::vector<Write> writes) {
    const absl::Status status = engine_->Ingest(std::move(writes)).status();
    if (status.ok()) return "";
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_EQ(RetryDelayMs(status), 0U);  // waiting does not help
    return std::string(status.message());
  }
};

TEST_F(RecordsQuota, TakesWhatFitsAndNothingOfWhatDoesNot) {
  SetOntology(kByEmail);
  engine_->SetRecordsMax(3);
  EXPECT_EQ(Try({Person("crm", "1", {Email("a")}), Person("crm", "2", {Email("a")})}), "");
  const std::vector<std::string> before = Everything(*engine_);
  EXPECT_EQ(Try({Person("crm", "3", {Email("new")}), Person("crm", "4", {Email("a")})}),
            "the quota of 3 records: this would make 4 of 2");
  EXPECT_EQ(Everything(*engine_), before);
  EXPECT_EQ(engine_->metrics().refused_by_quota, 1U);
  EXPECT_EQ(Try({Person("crm", "3")}), "");
  EXPECT_THAT(Try({Person("crm", "4")}), HasSubstr("4 of 3"));
  Reopen();
  EXPECT_EQ(Records(), 3U);
}

TEST_F(RecordsQuota, LetsOldRecordsChangeAndGo) {
  engine_->SetRecordsMax(2);
  Ingest({Person("crm", "1"), Person("crm", "2")});
  EXPECT_EQ(Try({Person("crm", "1", {Email("a")}), Person("crm", "2", {Email("b")})}), "");
  EXPECT_EQ(Try({Gone("crm", "1"), Person("crm", "3")}), "");  // one for one
  EXPECT_EQ(Try({Person("crm", "3"), Person("crm", "3", {Email("c")})}), "");
  EXPECT_EQ(Try({Person("crm", "4"), Gone("crm", "4")}), "");  // it is the end that counts
  EXPECT_THAT(Try({Gone("crm", "2"), Person("crm", "4"), Person("crm", "5")}), HasSubstr("3 of 2"));
  EXPECT_EQ(Try({Gone("crm", "2"), Gone("crm", "3")}), "");
  EXPECT_EQ(Records(), 0U);
}

TEST_F(RecordsQuota, LoweredBelowWhatIsThereLetsNothingGrow) {
  Ingest({Person("crm", "1"), Person("crm", "2"), Person("crm", "3")});
  engine_->SetRecordsMax(1);
  EXPECT_THAT(Try({Person("crm", "4")}), HasSubstr("quota of 1 records: this would make 4 of 3"));
  EXPECT_EQ(Try({Person("crm", "3", {Email("a")})}), "");
  EXPECT_EQ(Try({Gone("crm", "1")}), "");
  EXPECT_THAT(Try({Person("crm", "1")}), HasSubstr("3 of 2"));
  engine_->SetRecordsMax(kNoRecordsMax);
  EXPECT_EQ(Try({Person("crm", "1")}), "");
}

TEST_F(RecordsQuota, IsExactWhileManyWrite) {
  constexpr int kWriters = 8;
  constexpr int kRequests = 60;
  constexpr uint64_t kQuota = 101;
  engine_->SetRecordsMax(kQuota);
  std::atomic<uint64_t> taken = 0;
  {
    std::vector<Thread> writers;
    for (int writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back("writer", [&, writer] {
        for (int i = 0; i < kRequests; ++i) {
          const std::string uid = std::to_string(writer) + "-" + std::to_string(i);
          if (Try({Person("crm", uid + "a"), Person("crm", uid + "b")}).empty()) taken += 2;
          EXPECT_LE(Records(), kQuota);
        }
      });
    }
  }
  EXPECT_EQ(Records(), 100U);  // two at a time
  EXPECT_EQ(taken, 100U);
  EXPECT_EQ(Try({Person("crm", "last")}), "");
  EXPECT_EQ(Records(), kQuota);
}

// A commit that is dropped must leave no trace in what the next one goes on from.
TEST_F(RecordsQuota, RefusalsAreForgotten) {
  SetOntology(kByEmail);
  engine_->SetRecordsMax(2);
  Ingest({Person("crm", "1", {Email("a"), Tax("1")}), Person("crm", "2", {Email("a")})});
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(Try({Person("crm", "x" + std::to_string(i),
                            {Email("a"), {"n" + std::to_string(i), "v", kAlways}})}),
                HasSubstr("3 of 2"));
    EXPECT_EQ(Try({Person("crm", "2", {Email("a"), {"m" + std::to_string(i), "v", kAlways}})}), "");
  }
  EXPECT_EQ(EntityName("crm", "2"), "person/crm/1");
  struct Faults : VerifyReport {
    void Fault(std::string_view what) override { all.emplace_back(what); }
    void Progress(std::string_view, uint64_t) override {}
    std::vector<std::string> all;
  } faults;
  ASSERT_TRUE(engine_->Verify(Engine::VerifyDepth::kFull, faults).ok());
  EXPECT_THAT(faults.all, IsEmpty());
}

// --- tenants -------------------------------------------------------------------------------------

class TenantsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    settings_.data_dir = temp_.path() + "/data";
    settings_.backup_dir = temp_.path() + "/backups";
    settings_.memory_budget.bytes = 192U << 20U;
    settings_.tenants = temp_.path() + "/tenants.toml";
    Declare("[acme]\nrecords = 1\n[globex]\n");
    Open();
  }
  void Declare(const std::string& text) {
    std::ofstream(settings_.tenants + ".next") << text;
    std::filesystem::rename(settings_.tenants + ".next", settings_.tenants);
  }
  void Open() {
    tenants_.reset();
    auto file = config::OpenTenants(settings_, /*look_every_micros=*/0);
    ASSERT_TRUE(file.ok()) << file.status();
    auto opened = Tenants::Open(settings_, *std::move(file), /*shard_id=*/0);
    ASSERT_TRUE(opened.ok()) << opened.status();
    tenants_ = *std::move(opened);
  }
  Engine& Of(std::string_view name) { return *tenants_->Find(name).value()->engine; }
  uint64_t Records(std::string_view name) { return Of(name).Read().GetStats()->records; }

  store::TempDir temp_;
  config::StoreSettings settings_;
  std::unique_ptr<Tenants> tenants_;
};

TEST_F(TenantsTest, AreStoresOfTheirOwn) {
  for (const char* name : {"", "acme", "globex"}) {
    ASSERT_TRUE(Of(name).Ingest({Person("crm", "1", {Email(std::string("of ") + name)})}).ok());
  }
  ASSERT_TRUE(Of("globex").Ingest({Person("crm", "2")}).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(Of("acme").Ingest({Person("crm", "2")}).status()));
  Open();
  EXPECT_EQ(Records(""), 1U);
  EXPECT_EQ(Records("acme"), 1U);
  EXPECT_EQ(Records("globex"), 2U);
  EXPECT_TRUE(Engine::Exists(temp_.path() + "/data/tenants/acme"));
  for (const char* name : {"", "acme", "globex"}) {
    const auto entity = Of(name).Read().GetEntity({"person", "crm", "1"}, std::nullopt);
    ASSERT_TRUE(entity.ok()) << entity.status();
    EXPECT_EQ(entity->golden.at(0).value, std::string("of ") + name);
  }
}

TEST_F(TenantsTest, UnknownOnesAreNotFoundAndLeaveNothing) {
  for (const char* name : {"acm", "acmes", "a", "z", "../acme", "tenants", "acme/", "*"}) {
    EXPECT_TRUE(absl::IsNotFound(tenants_->Find(name).status())) << name;
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(temp_.path() + "/data/tenants"), {}),
            2);
}

TEST_F(TenantsTest, OneThatCannotBeOpenedKeepsNobodyElseFromServing) {
  tenants_.reset();
  std::ofstream(temp_.path() + "/data/tenants/acme/CURRENT", std::ios::trunc) << "damaged";
  Open();
  EXPECT_TRUE(absl::IsUnavailable(tenants_->Find("acme").status()));
  EXPECT_EQ(Records("globex"), 0U);
  EXPECT_EQ(Records(""), 0U);
}

TEST_F(TenantsTest, QuotasFollowTheFile) {
  const auto ingest = [&](const char* uid) {
    return Of("acme").Ingest({Person("crm", uid)}).status();
  };
  ASSERT_TRUE(ingest("1").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(ingest("2")));
  Declare("[acme]\nrecords = 2\nrequests-per-second = 1\n[globex]\n[new]\n");
  EXPECT_TRUE(absl::IsResourceExhausted(ingest("2")));  // four stores do not fit
  Declare("[acme]\nrecords = 2\nrequests-per-second = 1\n[new]\n");
  EXPECT_TRUE(ingest("2").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(ingest("3")));
  Quotas& quotas = tenants_->Find("acme").value()->quotas;
  EXPECT_TRUE(quotas.Begin(0, SteadyClockMicros()).ok());
  EXPECT_FALSE(quotas.Begin(0, SteadyClockMicros()).ok());
  EXPECT_TRUE(absl::IsNotFound(tenants_->Find("new").status()));  // waits for the next start,
  EXPECT_EQ(Records("globex"), 0U);                               // and so does what is left out
  Declare("[acme]\nrecords = many\n");
  EXPECT_TRUE(absl::IsResourceExhausted(ingest("3")));
  Declare("[globex]\n");
  EXPECT_TRUE(absl::IsResourceExhausted(ingest("3")));
  Declare("[acme]\n");
  EXPECT_TRUE(ingest("3").ok());
  EXPECT_TRUE(quotas.Begin(0, SteadyClockMicros()).ok());
  EXPECT_TRUE(quotas.Begin(0, SteadyClockMicros()).ok());
}

TEST_F(TenantsTest, NeedEnoughMemoryForEach) {
  settings_.memory_budget.bytes = (192U << 20U) - 1;
  EXPECT_EQ(config::OpenTenants(settings_).status().message(),
            "--memory-budget: 2 tenants and the default one need at least 192MiB, 64MiB each");
}

TEST_F(TenantsTest, CopiesLieSideBySide) {
  EXPECT_EQ(Of("acme").Checkpoint("acme").value()[0], temp_.path() + "/backups/tenants/acme/acme");
  EXPECT_EQ(Of("").Checkpoint("acme").value()[0], temp_.path() + "/backups/acme");
  EXPECT_TRUE(absl::IsInvalidArgument(Of("").Checkpoint("tenants").status()));
  const auto stop = [] { return false; };
  for (const char* name : {"", "acme", "globex"}) EXPECT_TRUE(Of(name).Backup(stop).ok()) << name;
  EXPECT_TRUE(std::filesystem::exists(temp_.path() + "/backups/tenants/globex/backups"));
}

TEST_F(TenantsTest, ShareTheMemoryBudget) {
  const MemoryShares share = MemoryShares::Of(64U << 20U);
  const uint64_t cache = Of("").GetStorageMetrics().block_cache_capacity_bytes;
  uint64_t buffers = 0;
  uint64_t rest = 0;
  for (const char* name : {"", "acme", "globex"}) {
    const StorageMetrics metrics = Of(name).GetStorageMetrics();
    EXPECT_EQ(metrics.block_cache_capacity_bytes, cache);
    buffers += metrics.write_buffers_capacity_bytes;
    rest += Of(name).memory_shares().queue_bytes + Of(name).memory_shares().commit_bytes();
    EXPECT_EQ(Of(name).memory_shares().store_bytes, share.store_bytes);
  }
  EXPECT_LE(cache + rest, 192U << 20U);
  EXPECT_GT(cache, 3 * share.store_bytes / 10 * 9);
  EXPECT_LT(buffers, cache / 2);
}

TEST_F(TenantsTest, AnEphemeralStoreHasThemBelowItsDirectory) {
  settings_.data_dir.clear();
  settings_.ephemeral = true;
  Open();
  ASSERT_TRUE(Of("globex").Ingest({Person("crm", "1")}).ok());
  EXPECT_EQ(Records("globex"), 1U);
  EXPECT_EQ(Records(""), 0U);
}

}  // namespace
}  // namespace unirust::shard
