// Resolution alone, on rows in memory: long random histories of which each batch costs a hundredth of what it costs on
// disk. All derived rows must be what a fresh resolution of the live records gives.
//
// UNIRUST_RESOLVE_SEEDS and UNIRUST_FIRST_SEED choose the histories; a failure prints its seed.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "resolve/resolver.h"
#include "resolve/verify.h"
#include "store/keys.h"
#include "tests/resolve/fixture.h"
#include "tests/resolve/memory_rows.h"
#include "tests/resolve/random_histories.h"
#include "tests/shard/findings.h"

namespace unirust::resolve {
namespace {

using store::Batch;
using store::Family;
using store::Reader;

class Histories : public ::testing::Test {
 protected:
  void Start(const ontology::Ontology& ontology) {
    Batch symbols;
    rules_ = Rules::Compile(ontology, interner_, symbols).value();
    rows_ = {};
    rows_[static_cast<size_t>(Family::kMeta)]["store"] = "in memory";
    counters_ = {};
    last_.reset();
    to_write_.reset();
    live_.clear();
  }

  // As one commit does. What it writes is on disk at some time before the next one is written, or read behind it.
  void Apply(std::vector<Write> writes, Dice& dice) {
    auto rows = std::make_shared<WorkingSet>(ReaderOf(rows_), *rules_, last_,
                                             [this] {
                                               WriteOut();
                                               return absl::OkStatus();
                                             });
    Batch batch;
    for (Write& write : writes) {
      ApplyWrite(write, *rows, batch);
      if (write.retract) {
        live_.erase(write.identity);
      } else {
        live_[write.identity] = write.descriptors;
      }
    }
    ASSERT_TRUE(Resolve(*rows, interner_, &counters_, &batch).ok()) << rows->status();
    rows->ForgetPrevious();
    AddRows(*rows, Scope::kAll, &batch);
    WriteOut();
    to_write_ = std::move(batch);
    last_ = std::move(rows);
    if (dice.OneIn(2)) WriteOut();
  }

  void ExpectFresh() {
    WriteOut();
    MemoryRows derived;
    WorkingSet rows(Reader(std::make_shared<MemoryState>(rows_, derived)), *rules_);
    for (const auto& [key, value] : rows_[static_cast<size_t>(Family::kRecords)]) {
      RecordState& record = rows.Record(store::RecordKey::Decode(key)->record);
      record.written = record.live_now;
      record.live_before = false;
    }
    store::CountersRow counters;
    Batch batch;
    ASSERT_TRUE(Resolve(rows, interner_, &counters, &batch).ok()) << rows.status();
    AddRows(rows, Scope::kDerived, &batch);
    resolve::Apply(std::move(batch), &derived);
    shard::Findings findings;
    const ReadContext stored{ReaderOf(rows_), &*rules_, &interner_};
    const ReadContext fresh{Reader(std::make_shared<MemoryState>(rows_, derived)), &*rules_,
                            &interner_};
    EXPECT_TRUE(VerifyDerived(stored, fresh, findings).ok());
    EXPECT_THAT(findings.faults, ::testing::IsEmpty());
    EXPECT_EQ(counters_.records, counters.records);
    EXPECT_EQ(counters_.entities, counters.entities);
    EXPECT_EQ(counters_.conflicts, counters.conflicts);
    EXPECT_EQ(counters_.same_as, counters.same_as);
    EXPECT_EQ(counters_.conflicts_with, counters.conflicts_with);
  }

  std::vector<Write> RandomBatch(const Crowd& crowd, Dice& dice) {
    std::vector<Write> out;
    if (!live_.empty() && dice.OneIn(3)) return SharersOfAValueMove(crowd, dice);
    for (size_t n = 1 + dice.Below(dice.OneIn(4) ? 12 : 3); n > 0; --n) {
      out.push_back(RandomWrite(dice, crowd));
    }
    return out;
  }

  std::map<Identity, std::vector<Descriptor>> live_;

 private:
  static Reader ReaderOf(const MemoryRows& rows) {
    return Reader(std::make_shared<MemoryState>(rows, rows));
  }
  void WriteOut() {
    if (to_write_) resolve::Apply(*std::move(to_write_), &rows_);
    to_write_.reset();
  }

  void ApplyWrite(const Write& write, WorkingSet& rows, Batch& batch) {
    const SymbolId type = interner_.Intern(write.identity.entity_type, batch).value();
    const SymbolId perspective = interner_.Intern(write.identity.perspective, batch).value();
    RecordState& record =
        rows.Record(rows.PlaceRecord(write.identity, type, perspective).value());
    std::vector<Descriptor> descriptors = write.descriptors;
    Normalize(descriptors);
    store::RecordRow& row = record.row.Edit();
    row.entity_type = type;
    row.perspective = perspective;
    row.uid = write.identity.uid;
    row.retracted = write.retract;
    row.descriptors.clear();
    for (Descriptor& d : descriptors) {
      row.descriptors.push_back(
          {interner_.Intern(d.attribute, batch).value(), std::move(d.value), d.interval});
    }
    record.live_now = !write.retract;
    record.signature_now.reset();
    record.written = true;
  }

  // Most of those who hold one value get one of another attribute, beside what they have of it or instead.
  std::vector<Write> SharersOfAValueMove(const Crowd& crowd, Dice& dice) {
    const std::string from = kAttributes[dice.Below(4)];
    const std::string value = std::to_string(dice.Below(crowd.values));
    const std::string to = kAttributes[dice.Below(4)];
    const Descriptor gets{to, std::to_string(dice.Below(crowd.values)), {kMinTime, kMaxTime}};
    const bool instead = dice.OneIn(2);
    std::vector<Write> out;
    for (const auto& [identity, descriptors] : live_) {
      const bool holds = std::any_of(
          descriptors.begin(), descriptors.end(),
          [&](const Descriptor& d) { return d.attribute == from && d.value == value; });
      if (!holds || dice.OneIn(4)) continue;
      Write write{.identity = identity, .version = {}, .retract = false, .descriptors = descriptors};
      if (instead) {
        std::erase_if(write.descriptors, [&](const Descriptor& d) { return d.attribute == to; });
      }
      write.descriptors.push_back(gets);
      out.push_back(std::move(write));
    }
    return out;
  }

  EmptyJournal journal_;
  interner::Interner interner_{journal_};
  std::optional<Rules> rules_;
  MemoryRows rows_;
  store::CountersRow counters_;
  std::shared_ptr<WorkingSet> last_;
  std::optional<Batch> to_write_;
};

TEST_F(Histories, EqualAFreshResolution) {
  ForEachSeed("UNIRUST_RESOLVE_SEEDS", [&](Dice& dice) {
    Start(RandomOntology(dice));
    const Crowd crowd = {.uids = 2 + dice.Below(14),
                         .values = 2 + dice.Below(14),
                         .held_max = 1 + dice.Below(2),
                         .strong_in = 1 + dice.Below(dice.OneIn(2) ? 4 : 40),
                         .dated_in = 2 + dice.Below(20)};
    const size_t check = 1 + dice.Below(30);
    for (size_t batches = 100; batches > 0 && !HasFailure(); --batches) {
      Apply(RandomBatch(crowd, dice), dice);
      if (dice.OneIn(check)) ExpectFresh();
    }
    ExpectFresh();
  }, 500);
}

}  // namespace
}  // namespace unirust::resolve
