// All entities one after the other (resolve/entity_sweep.h), whatever memory there is for their records.
#include "resolve/entity_sweep.h"

#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>
#include <set>

#include "store/symbols.h"
#include "tests/shard/incremental_fixture.h"

namespace unirust::shard {
namespace {

// Records with one value of `k` are one entity.
constexpr char kOntology[] = R"({
  "identity_keys": [{"name": "by_k", "attributes": ["k"]}, {"name": "by_l", "attributes": ["l"]}]
})";

class EntitySweepTest : public EngineTest {
 protected:
  // Entities of one record, of several, of blocks of blocks, and one of so many that its records are listed elsewhere.
  // Then nobody else has the store.
  void Fill(size_t records) {
    Dice dice(3);
    SetOntology(kOntology);
    std::vector<Write> writes;
    for (size_t i = 0; i < records; ++i) {
      std::vector<Descriptor> all = {{"k", std::to_string(dice.Below(records)), kAlways}};
      if (dice.OneIn(8)) all.push_back({"l", std::to_string(dice.Below(records / 8)), kAlways});
      if (dice.OneIn(10)) all.push_back({"l", "many", kAlways});
      all.push_back({"text", std::string(dice.Below(200), 'x'), kAlways});
      writes.push_back(Person("crm", std::to_string(i), std::move(all)));
    }
    for (size_t i = 0; i < records; i += 13) writes.push_back(Gone("crm", std::to_string(i)));
    Ingest(std::move(writes));
    engine_.reset();
    store_ = store::Store::Open({.dir = options_.data_dir}).value();
    journal_ = std::make_unique<store::SymbolJournal>(*store_);
    interner_ = std::make_unique<interner::Interner>(*journal_);
    store::Batch created;
    rules_ = resolve::Rules::Compile(ontology::ParseOntology(kOntology).value(), *interner_,
                                     created).value();
  }

  resolve::ReadContext Context(uint64_t sweep_bytes) {
    return {.reader = store_->Snapshot(),
            .rules = &rules_,
            .interner = interner_.get(),
            .sweep_bytes = sweep_bytes};
  }

  // An entity, and its records as they are stored.
  static std::string Text(resolve::EntitySweep& sweep) {
    std::string out = sweep.position();
    for (size_t i = 0; i < sweep.entity().ids.size(); ++i) {
      out += " " + std::to_string(sweep.entity().ids[i].value()) + " " +
             sweep.entity().records[i]->Encode();
    }
    return out;
  }

  std::vector<std::string> Swept(uint64_t sweep_bytes, std::string_view after = {}) {
    const resolve::ReadContext context = Context(sweep_bytes);
    std::vector<std::string> out;
    resolve::EntitySweep sweep(context, after);
    for (; sweep.Valid(); sweep.Next()) out.push_back(Text(sweep));
    EXPECT_TRUE(sweep.status().ok()) << sweep.status();
    return out;
  }

  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::SymbolJournal> journal_;
  std::unique_ptr<interner::Interner> interner_;
  resolve::Rules rules_;
};

constexpr uint64_t kForAll = 100U << 20U;

TEST_F(EntitySweepTest, MeetsTheSameWhateverMemoryThereIs) {
  Fill(3000);
  const std::vector<std::string> all = Swept(kForAll);
  EXPECT_GT(all.size(), 500U);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
  for (const uint64_t bytes : {300'000U, 100'000U, 5'000U, 1U}) {
    EXPECT_TRUE(Swept(bytes) == all) << bytes;
  }
}

TEST_F(EntitySweepTest, GoesOnBehindAnyEntity) {
  Fill(9000);
  const resolve::ReadContext context = Context(kForAll);
  std::vector<std::string> positions;
  for (resolve::EntitySweep sweep(context, ""); sweep.Valid(); sweep.Next()) {
    positions.push_back(sweep.position());
  }
  const std::vector<std::string> all = Swept(kForAll);
  ASSERT_EQ(resolve::SlotOf(store::NameKey::Decode(positions.back())->name), limits::kSlots - 1);
  const auto goes_on = [&](size_t i, uint64_t sweep_bytes) {
    const std::vector<std::string> rest(all.begin() + static_cast<ptrdiff_t>(i) + 1, all.end());
    EXPECT_TRUE(Swept(sweep_bytes, positions[i]) == rest) << i;
  };
  for (size_t i = 0; i < all.size(); i += 500) goes_on(i, 20'000);
  for (size_t i = all.size() - 30; i < all.size(); ++i) goes_on(i, 1);  // few slots are left
}

TEST_F(EntitySweepTest, SaysWhereThereIsNoRoomForWhatItJoins) {
  Fill(3000);
  const std::string nowhere = temp_.path() + "/nowhere";
  const char* const old = std::getenv("TMPDIR");
  const std::string before = old == nullptr ? "" : old;
  ASSERT_EQ(setenv("TMPDIR", nowhere.c_str(), 1), 0);
  const resolve::ReadContext context = Context(100'000);
  resolve::EntitySweep sweep(context, "");
  while (sweep.Valid()) sweep.Next();
  ASSERT_EQ(setenv("TMPDIR", before.empty() ? "/tmp" : before.c_str(), 1), 0);
  EXPECT_TRUE(absl::IsResourceExhausted(sweep.status())) << sweep.status();
  EXPECT_THAT(std::string(sweep.status().message()), testing::HasSubstr(nowhere));
}

TEST_F(EntitySweepTest, AJoinThatIsLeftEndsSoon) {
  Fill(3000);
  const resolve::ReadContext context = Context(kForAll);
  std::atomic<bool> stop = true;
  EXPECT_TRUE(absl::IsCancelled(resolve::EntityJoin::Make(context, "", 100, stop).status()));
  stop = false;
  EXPECT_TRUE(resolve::EntityJoin::Make(context, "", 100, stop).ok());
}

// A share of the join that fails ends the others, and what it says is told.
TEST_F(EntitySweepTest, AJoinSaysWhatIsMissing) {
  Fill(3000);
  store::Batch batch;
  const auto blocks = store_->Latest().Scan(store::Family::kBlocks, "", "");
  store::BlockRow row;
  ASSERT_TRUE(store::BlockRow::Decode(blocks->value(), &row));
  ASSERT_TRUE(store::IsRecord(row.kids.at(0)));
  const std::string key = store::RecordKey{store::RecordOf(row.kids[0])}.Encode();
  batch.Delete(store::Family::kRecords, key);
  store_->Commit(std::move(batch));
  const resolve::ReadContext context = Context(kForAll);
  const std::atomic<bool> stop = false;
  const absl::Status status = resolve::EntityJoin::Make(context, "", 100, stop).status();
  EXPECT_EQ(status, store::Damaged(store::Family::kRecords, key));
}

TEST_F(EntitySweepTest, IsLeftWhileItReads) {
  Fill(3000);
  const resolve::ReadContext context = Context(300'000);
  for (size_t entities = 1; entities < 1500; entities += 250) {
    resolve::EntitySweep sweep(context, "");
    for (size_t i = 0; i < entities && sweep.Valid(); ++i) sweep.Next();
    EXPECT_TRUE(sweep.status().ok()) << sweep.status();
  }
}

TEST_F(EntitySweepTest, GoesOnWhenWhatItAwaitedIsThere) {
  Fill(3000);
  const resolve::ReadContext context = Context(300'000);
  resolve::EntitySweep sweep(context, "");
  for (; sweep.Valid(); sweep.Next()) {
    while (!sweep.AwaitNext(1)) {
    }
  }
  EXPECT_TRUE(sweep.status().ok()) << sweep.status();
}

}  // namespace
}  // namespace unirust::shard
