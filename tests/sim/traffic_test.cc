// What goes between home and the other parts, by count: messages and bytes for each record, against the number of parts
// and against how many records share key values (docs/cluster.md, 7). No threads of a network, no faults.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster/cluster_store.h"
#include "shard/engine.h"
#include "tests/sim/sim_part.h"

namespace unirust::sim {
namespace {

using cluster::EpochId;
using cluster::LocalPart;
using cluster::PendingStep;

struct Traffic {
  std::atomic<uint64_t> epochs = 0;    // messages that bring an epoch
  std::atomic<uint64_t> written = 0;   // bytes of their rows
  std::atomic<uint64_t> lookups = 0;   // messages that ask for rows by their keys
  std::atomic<uint64_t> walks = 0;     // messages that begin to walk a range
  std::atomic<uint64_t> read = 0;      // bytes of keys that are asked for, and of rows that are answered
};

class CountedCursor final : public store::Cursor {
 public:
  CountedCursor(std::unique_ptr<store::Cursor> cursor, Traffic& traffic)
      : cursor_(std::move(cursor)), traffic_(traffic) {
    Count();
  }
  bool Valid() const override { return cursor_->Valid(); }
  std::string_view key() const override { return cursor_->key(); }
  std::string_view value() const override { return cursor_->value(); }
  void Next() override { cursor_->Next(), Count(); }
  void Prev() override { cursor_->Prev(), Count(); }
  void Seek(std::string_view key) override { cursor_->Seek(key), Count(); }
  void SeekToLast() override { cursor_->SeekToLast(), Count(); }
  absl::Status status() const override { return cursor_->status(); }

 private:
  void Count() {
    if (Valid()) traffic_.read += key().size() + value().size();
  }
  const std::unique_ptr<store::Cursor> cursor_;
  Traffic& traffic_;
};

class CountedRows final : public store::Reader::State {
 public:
  CountedRows(store::Reader reader, Traffic& traffic)
      : reader_(std::move(reader)), traffic_(traffic) {}
  absl::StatusOr<bool> Get(store::Family family, std::string_view key,
                           std::string* value) const override {
    ++traffic_.lookups;
    const auto found = reader_.Get(family, key, value);
    traffic_.read += key.size() + (found.ok() && *found ? value->size() : 0);
    return found;
  }
  absl::Status MultiGet(store::Family family, std::span<const std::string> keys,
                        store::Reader::RowVisitor row) const override {
    traffic_.lookups += (keys.size() + limits::kPartPageRowsMax - 1) / limits::kPartPageRowsMax;
    for (const std::string& key : keys) traffic_.read += key.size();
    return reader_.MultiGet(family, keys, [&](size_t i, std::string_view value) {
      traffic_.read += value.size();
      row(i, value);
    });
  }
  uint64_t EstimateBytes(store::Family, std::string_view, std::string_view) const override {
    return 0;
  }
  std::unique_ptr<store::Cursor> Scan(store::Family family, std::string lower,
                                      std::string upper) const override {
    ++traffic_.walks;
    return std::make_unique<CountedCursor>(reader_.Scan(family, std::move(lower), std::move(upper)),
                                           traffic_);
  }
  std::unique_ptr<store::Cursor> ScanPrefix(store::Family family,
                                            std::string_view prefix) const override {
    ++traffic_.walks;
    return std::make_unique<CountedCursor>(reader_.ScanPrefix(family, prefix), traffic_);
  }
  uint64_t generation() const override { return store::kNoGeneration; }

 private:
  const store::Reader reader_;
  Traffic& traffic_;
};

class CountedPart final : public cluster::Part {
 public:
  explicit CountedPart(Traffic& traffic) : traffic_(traffic) {}

  absl::StatusOr<cluster::Position> Join(const cluster::Membership& membership, EpochId last,
                                         cluster::Holds holds) override {
    return part().Join(membership, last, holds);
  }
  absl::Status Apply(const cluster::Epoch& epoch) override {
    ++traffic_.epochs;
    traffic_.written += epoch.rows.size();
    return part().Apply(epoch);
  }
  absl::StatusOr<store::Reader> ReadEpoch(uint64_t epoch) override {
    return Counted(part().ReadEpoch(epoch));
  }
  absl::StatusOr<store::Reader> ReadLatest() override { return Counted(part().ReadLatest()); }
  absl::StatusOr<store::Reader> ReadPending() override { return Counted(part().ReadPending()); }
  PartStatus GetStatus() override { return part().GetStatus(); }
  absl::Status BeginGeneration(PendingStep step) override { return part().BeginGeneration(step); }
  absl::Status CommitPending(PendingStep step, const std::string& rows) override {
    return part().CommitPending(step, rows);
  }
  absl::Status SealPending(PendingStep step) override { return part().SealPending(step); }
  absl::Status DropPending(PendingStep step) override { return part().DropPending(step); }
  absl::Status Rewrite(uint64_t epoch, const std::function<bool()>& stop) override {
    return part().Rewrite(epoch, stop);
  }
  absl::StatusOr<uint32_t> Backup(const std::function<bool()>& stop) override {
    return part().Backup(stop);
  }
  absl::StatusOr<std::string> Checkpoint(const std::string& name) override {
    return part().Checkpoint(name);
  }
  absl::Status DropCopies(const cluster::UnwantedCopies& unwanted) override {
    return part().DropCopies(unwanted);
  }

 private:
  LocalPart& part() { return *process_.part; }
  absl::StatusOr<store::Reader> Counted(absl::StatusOr<store::Reader> reader) {
    if (!reader.ok()) return reader;
    return store::Reader(std::make_shared<CountedRows>(*std::move(reader), traffic_));
  }
  Traffic& traffic_;
  Disk disk_{"part"};
  PartProcess process_{disk_, [](Process&) {}};
};

constexpr size_t kBatch = 1000;   // records of a commit
constexpr size_t kBatches = 5;    // that are counted, after as many before

struct PerRecord {
  double messages = 0;
  double bytes = 0;
  double epochs = 0;   // for each commit and part
  double lookups = 0;  // the same
};

class Measured {
 public:
  explicit Measured(size_t parts) : parts_(parts) {
    std::vector<cluster::Part*> others;
    for (size_t part = 1; part < parts; ++part) {
      others_.push_back(std::make_unique<CountedPart>(traffic_));
      others.push_back(others_.back().get());
    }
    auto store = cluster::ClusterStore::Open(
        std::make_unique<SimStore>(home_, std::make_shared<Process>(), [] {}), others,
        cluster::SlotMap::Even(parts));
    shard::EngineOptions options;
    options.data_dir = "counted";
    options.memory_budget_bytes = 64U << 20U;
    engine_ = shard::Engine::OpenOn(*std::move(store), options).value();
    EXPECT_TRUE(engine_
                    ->SetOntology(*ontology::ParseOntology(
                        R"({"identity_keys": [{"name": "e", "attributes": ["email"]}]})"))
                    .ok());
  }

  // So many of the records have the e-mail address of one that came long before.
  PerRecord Ingest(size_t shared_percent) {
    for (size_t batch = 0; batch < kBatches; ++batch) Send(0);
    const uint64_t before = Messages();
    const uint64_t bytes = Bytes();
    const uint64_t epochs = traffic_.epochs;
    const uint64_t lookups = traffic_.lookups;
    for (size_t batch = 0; batch < kBatches; ++batch) Send(shared_percent);
    const double records = kBatch * kBatches;
    const double visits = static_cast<double>(kBatches) * static_cast<double>(std::max<size_t>(2, parts_) - 1);
    return {.messages = static_cast<double>(Messages() - before) / records,
            .bytes = static_cast<double>(Bytes() - bytes) / records,
            .epochs = static_cast<double>(traffic_.epochs - epochs) / visits,
            .lookups = static_cast<double>(traffic_.lookups - lookups) / visits};
  }

 private:
  uint64_t Messages() const { return traffic_.epochs + traffic_.lookups + traffic_.walks; }
  uint64_t Bytes() const { return traffic_.written + traffic_.read; }
  void Send(size_t shared_percent) {
    std::vector<Write> writes;
    for (size_t n = 0; n < kBatch; ++n, ++next_) {
      const bool shares = n % 100 < shared_percent;
      const size_t email = shares ? next_ - kBatch * kBatches : next_;
      writes.push_back({.identity = {"person", "crm", std::to_string(next_)},
                        .version = {},
                        .retract = false,
                        .descriptors = {{"email", std::to_string(email), {kMinTime, kMaxTime}},
                                        {"name", "n" + std::to_string(next_ % 1000),
                                         {kMinTime, kMaxTime}}}});
    }
    EXPECT_TRUE(engine_->Ingest(std::move(writes)).ok());
  }

  const size_t parts_;
  Traffic traffic_;
  std::vector<std::unique_ptr<CountedPart>> others_;
  Disk home_{"home"};
  std::unique_ptr<shard::Engine> engine_;
  size_t next_ = 1;
};

// The model of docs/cluster.md, 7: a commit is one message to each part and some sweeps of look-ups, whatever it holds;
// bytes are those of one part times (N - 1) / N.
TEST(Traffic, GrowsWithThePartsAndNotWithTheRecords) {
  std::printf("%6s %7s %16s %13s %23s\n", "parts", "shared", "messages/record", "bytes/record",
              "look-ups/commit/part");
  double bytes_of_two = 0;
  for (const size_t parts : {1, 2, 4, 8, 16, 32, 64}) {
    for (const size_t shared : {0, 50, 100}) {
      Measured store(parts);
      const PerRecord cost = store.Ingest(shared);
      std::printf("%6zu %6zu%% %16.4f %13.1f %23.1f\n", parts, shared, cost.messages, cost.bytes,
                  cost.lookups);
      if (parts == 1) {
        EXPECT_EQ(cost.messages, 0);
        continue;
      }
      EXPECT_EQ(cost.epochs, 1);
      EXPECT_LE(cost.lookups, 4);
      // Nothing is walked.
      const double others = static_cast<double>(parts) - 1;
      EXPECT_NEAR(cost.messages, others * (cost.lookups + 1) / kBatch, 1e-9);
      if (parts == 2 && shared == 50) bytes_of_two = cost.bytes;
      if (parts > 2 && shared == 50) {
        const double n = static_cast<double>(parts);
        EXPECT_NEAR(cost.bytes / (2 * bytes_of_two * (n - 1) / n), 1, 0.1);
      }
    }
  }
}

}  // namespace
}  // namespace unirust::sim
