// Verification finds every row that is missing, foreign or altered, and nothing in a sound store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/rows.h"
#include "store/store.h"
#include "tests/shard/engine_fixture.h"
#include "tests/shard/findings.h"

namespace unirust::shard {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using store::Family;

// Entities of several records by two keys, a large one, a contested run, a large one of these, a settled part, generic
// and shared values.
constexpr char kOntology[] = R"({
  "identity_keys": [{"name": "by_email", "attributes": ["email"]},
                    {"name": "by_phone", "attributes": ["phone"], "max_group": 6}],
  "strong_identifiers": [{"attribute": "tax", "scope": "global"}],
  "constraints": [{"name": "one_badge", "attribute": "badge", "kind": "unique"}],
  "retention": [{"ended_before": 5}]})";

constexpr int kHot = 130;  // records of a large entity
constexpr int kSplit = 130;  // of a large group, in which each clashes with all others
constexpr int kLive = 38 + kHot + kSplit;

std::vector<Write> SomeWrites() {
  std::vector<Write> writes;
  for (int i = 0; i < 40; ++i) {
    const std::string uid = std::to_string(i);
    std::vector<Descriptor> all = {Email("e" + std::to_string(i / 3)),
                                   {"phone", std::to_string(i / 5), {i % 4, 20}},
                                   {"badge", std::to_string(i % 30), kAlways}};
    if (i % 4 == 0) all.push_back(Tax(std::to_string(i % 7)));
    if (i % 10 == 0) all.push_back(Email("e" + std::to_string(i / 3 + 1)));
    writes.push_back(Person(i % 2 == 0 ? "crm" : "web", uid, all));
  }
  for (int i = 0; i < kHot; ++i) {
    writes.push_back(Person("hot", std::to_string(i),
                            {Email("hot"), {"city", std::to_string(i % 3), kAlways}}));
  }
  for (int i = 0; i < kSplit; ++i) {
    writes.push_back(
        Person("split", std::to_string(i), {Email("split"), Tax("split " + std::to_string(i))}));
  }
  return writes;
}

class Verify : public EngineTest {
 protected:
  Verify() {
    SetOntology(kOntology);
    Ingest(SomeWrites());
    Ingest({Gone("crm", "8"), Gone("web", "21")});
  }

  std::vector<std::string> Faults(Engine::VerifyDepth depth = Engine::VerifyDepth::kFull) {
    if (!refusal_.empty()) return {refusal_};
    Findings findings;
    const absl::Status status = engine_->Verify(depth, findings);
    EXPECT_TRUE(status.ok()) << status;
    return findings.faults;
  }

  struct Row {
    std::string key;
    std::string value;
  };
  std::string refusal_;  // of a damaged store at its opening

  // Opens the closed directory below the engine and lets `change` write.
  template <typename Change>
  void Damage(const Change& change) {
    engine_.reset();
    auto opened = store::Store::Open({.dir = options_.data_dir});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store::Batch batch;
    change(**opened, batch);
    (*opened)->Commit(std::move(batch));
    opened->reset();
    // What the samples of an opening find is told by its refusal.
    auto engine = Engine::Open(options_);
    if (engine.ok()) {
      engine_ = *std::move(engine);
    } else {
      ASSERT_TRUE(absl::IsDataLoss(engine.status())) << engine.status();
      refusal_ = std::string(engine.status().message());
    }
  }

  // The family is damaged: the writes are refused, and the records are as before.
  void ExpectRefused(Family family, const std::vector<Write>& writes) {
    const absl::Status status = engine_->Ingest(writes).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << store::FamilyName(family) << ": " << status;
    engine_.reset();
    Findings findings;
    engine_ = Engine::Rebuild(options_, findings).value();
    EXPECT_THAT(Faults(), IsEmpty()) << "nothing of it is stored";
  }

  static std::vector<Row> Rows(const store::Store& store, Family family) {
    std::vector<Row> out;
    const store::Reader reader = store.Latest();
    const auto cursor = reader.Scan(family, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      out.push_back({std::string(cursor->key()), std::string(cursor->value())});
    }
    return out;
  }
};

TEST_F(Verify, FindsNothingInASoundStore) {
  EXPECT_THAT(Faults(Engine::VerifyDepth::kQuick), IsEmpty());
  EXPECT_THAT(Faults(), IsEmpty());
  EXPECT_EQ(Records(), static_cast<uint64_t>(kLive));
  Ingest({Gone("crm", "0")});
  EXPECT_THAT(Faults(), IsEmpty()) << "the store goes on after a verification";
}

TEST_F(Verify, FindsNothingInAnEmptyStore) {
  options_.data_dir = temp_.path() + "/empty";
  Reopen();
  EXPECT_THAT(Faults(Engine::VerifyDepth::kQuick), IsEmpty());
  EXPECT_THAT(Faults(), IsEmpty());
}

class VerifyFamily : public Verify, public ::testing::WithParamInterface<Family> {
 protected:
  // An opening may stop at what follows from the fault.
  void ExpectFault() {
    const std::vector<std::string> faults = Faults();
    if (!refusal_.empty()) return;
    EXPECT_THAT(faults, Contains(HasSubstr(store::FamilyName(GetParam()))));
  }
};

TEST_P(VerifyFamily, FindsAMissingRow) {
  Damage([](const store::Store& store, store::Batch& batch) {
    const std::vector<Row> rows = Rows(store, GetParam());
    ASSERT_THAT(rows, ::testing::Not(IsEmpty()));
    batch.Delete(GetParam(), rows[rows.size() / 2].key);
  });
  ExpectFault();
}

TEST_P(VerifyFamily, FindsAForeignRow) {
  Damage([](const store::Store& store, store::Batch& batch) {
    Row row = Rows(store, GetParam()).back();
    row.key[row.key.size() - 1] = static_cast<char>(row.key.back() ^ 0x5a);
    batch.Put(GetParam(), row.key, row.value);
  });
  ExpectFault();
}

TEST_P(VerifyFamily, FindsAnAlteredRow) {
  if (GetParam() == Family::kSources || GetParam() == Family::kTouches ||
      GetParam() == Family::kExpiries || GetParam() == Family::kPieces ||
      GetParam() == Family::kKids) {
    GTEST_SKIP() << "its rows have no value";
  }
  size_t altered = 0;
  Damage([&](const store::Store& store, store::Batch& batch) {
    for (Row& row : Rows(store, GetParam())) {
      if (row.value.empty() || altered > 0) continue;
      row.value[row.value.size() - 1] = static_cast<char>(row.value.back() ^ 0x01);
      batch.Put(GetParam(), row.key, row.value);
      ++altered;
    }
  });
  ASSERT_EQ(altered, 1U);
  ExpectFault();
}

INSTANTIATE_TEST_SUITE_P(All, VerifyFamily,
                         ::testing::Values(Family::kSymbols, Family::kAttributeValues,
                                           Family::kSources, Family::kGroups, Family::kNames,
                                           Family::kBlocks, Family::kTouches, Family::kConflicts,
                                           Family::kConflictOwners, Family::kExpiries,
                                           Family::kHeldValues, Family::kStretches,
                                           Family::kPieces, Family::kRuns, Family::kKids,
                                           Family::kDisputes),
                         [](const auto& one) {
                           return std::string(store::FamilyName(one.param));
                         });

// Rows of what is large, of which a write meets those that it changes.
TEST_F(Verify, AWriteThatMeetsADamagedRowIsRefused) {
  for (const Family family :
       {Family::kHeldValues, Family::kStretches, Family::kRuns, Family::kDisputes}) {
    Damage([&](const store::Store& store, store::Batch& batch) {
      for (const Row& row : Rows(store, family)) batch.Put(family, row.key, "\xff\xff");
    });
    ASSERT_EQ(refusal_, "");
    ExpectRefused(family, {Person("hot", "new", {Email("hot"), {"city", "1", kAlways}}),
                           Person("split", "new", {Email("split"), Tax("split new")})});
  }
}

TEST_F(Verify, ARetractionThatMissesARowIsRefused) {
  for (const Family family : {Family::kPieces, Family::kKids}) {
    Damage([&](const store::Store& store, store::Batch& batch) {
      for (const Row& row : Rows(store, family)) batch.Delete(family, row.key);
    });
    ASSERT_EQ(refusal_, "");
    ExpectRefused(family, {Gone("hot", "7")});
  }
}

TEST_F(Verify, FindsARecordThatIsGone) {
  Damage([](const store::Store& store, store::Batch& batch) {
    for (const Row& row : Rows(store, Family::kRecords)) {
      store::RecordRow record;
      if (!store::RecordRow::Decode(row.value, &record) || record.retracted) continue;
      batch.Delete(Family::kRecords, row.key);
      break;
    }
  });
  const std::vector<std::string> faults = Faults();
  EXPECT_THAT(faults, Contains(AnyOf(HasSubstr("attribute_values"), HasSubstr("sources"))));
  if (refusal_.empty()) {
    EXPECT_THAT(faults, Contains(HasSubstr(std::to_string(kLive) + " live records; there are " +
                                            std::to_string(kLive - 1))));
  }
}

TEST_F(Verify, FindsWrongCounters) {
  Damage([](const store::Store& store, store::Batch& batch) {
    for (const Row& row : Rows(store, Family::kMeta)) {
      store::CountersRow counters;
      if (row.key != "counters" || !store::CountersRow::Decode(row.value, &counters)) continue;
      ++counters.entities;
      ++counters.same_as;
      batch.Put(Family::kMeta, row.key, counters.Encode());
    }
  });
  const std::vector<std::string> faults = Faults();
  EXPECT_THAT(faults, Contains(HasSubstr("entities")));
  EXPECT_THAT(faults, Contains(HasSubstr("same_as")));
}

TEST_F(Verify, FindsWhatShouldHaveExpired) {
  Damage([](const store::Store&, store::Batch& batch) {
    batch.Put(Family::kMeta, "retention", store::RetentionRow{30}.Encode());
  });
  EXPECT_THAT(Faults(), Contains(HasSubstr("expired before the declared instant 30")));
}

void DeleteAll(const store::Store& store, Family family, store::Batch& batch) {
  const store::Reader reader = store.Latest();
  for (const auto cursor = reader.Scan(family, "", ""); cursor->Valid(); cursor->Next()) {
    batch.Delete(family, cursor->key());
  }
}

TEST_F(Verify, OpeningAndQuickVerificationSampleRecordsAndIndexes) {
  engine_.reset();
  {
    const auto store = store::Store::Open({.dir = options_.data_dir}).value();
    store::Batch batch;
    DeleteAll(*store, Family::kSources, batch);
    store->Commit(std::move(batch));
  }
  const absl::Status refused = Engine::Open(options_).status();
  EXPECT_TRUE(absl::IsDataLoss(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("sources"));
}

TEST_F(Verify, RebuildMakesAllAnewThatFollowsFromTheRecords) {
  const std::vector<std::string> everything = Everything(*engine_);
  engine_.reset();
  {
    const auto store = store::Store::Open({.dir = options_.data_dir}).value();
    store::Batch batch;
    for (const Family family : {Family::kAttributeValues, Family::kSources, Family::kGroups,
                                Family::kNames, Family::kBlocks, Family::kTouches,
                                Family::kConflicts, Family::kConflictOwners, Family::kExpiries,
                                Family::kHeldValues, Family::kStretches, Family::kPieces,
                                Family::kRuns, Family::kKids, Family::kDisputes}) {
      DeleteAll(*store, family, batch);
    }
    batch.Delete(Family::kMeta, "counters");
    store->Commit(std::move(batch));
  }
  Findings findings;
  engine_ = Engine::Rebuild(options_, findings).value();
  EXPECT_EQ(Everything(*engine_), everything);
  EXPECT_THAT(Faults(), IsEmpty());
  Reopen();
  EXPECT_THAT(Faults(), IsEmpty());
  Ingest({Gone("crm", "0"), Person("crm", "90", {Email("e1")})});
  EXPECT_THAT(Faults(), IsEmpty());
}

TEST_F(Verify, ARebuildThatWasCutShortIsTakenUpAgain) {
  const std::vector<std::string> everything = Everything(*engine_);
  engine_.reset();
  store::StoreOptions cut{.dir = options_.data_dir};
  cut.rebuild = true;
  ASSERT_TRUE(store::Store::Open(cut).ok());
  const absl::Status refused = Engine::Open(options_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("--rebuild-derived"));
  Findings findings;
  engine_ = Engine::Rebuild(options_, findings).value();
  EXPECT_EQ(Everything(*engine_), everything);
  Reopen();
  EXPECT_THAT(Faults(), IsEmpty());
}

}  // namespace
}  // namespace unirust::shard
