// What an Engine makes of writes: versions, identities, atomicity, restarts, ontologies, reset and
// checkpoints.
#include "shard/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/thread.h"
#include "shard/backups.h"
#include "tests/shard/engine_fixture.h"

namespace unirust::shard {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr Instant kMin = kMinTime;
constexpr Instant kMax = kMaxTime;

// --- versions (semantics.md, 2) ------------------------------------------------------------------

class Versions : public EngineTest {
 protected:
  std::string Stored(const std::string& uid) {
    const auto entity = engine_->Read().GetEntity({"person", "crm", uid}, std::nullopt);
    return entity.ok() ? Text(entity->records.at(0)) : "none";
  }
};

TEST_F(Versions, LowerOneIsIgnoredAndTheAnswerSaysSo) {
  IngestOne(Person("crm", "1", {Email("new")}, 5));
  const Assignment late = IngestOne(Person("crm", "1", {Email("old")}, 4));
  EXPECT_EQ(late.outcome, WriteOutcome::kStale);
  EXPECT_EQ(late.version, 5);
  EXPECT_EQ(late.entity_name, "person/crm/1");
  EXPECT_EQ(IngestOne(Gone("crm", "1", 4)).outcome, WriteOutcome::kStale);
  EXPECT_THAT(Stored("1"), HasSubstr("v5 {email=new"));
}

TEST_F(Versions, EqualOneAppliesTheLastArrival) {
  IngestOne(Person("crm", "1", {Email("a")}, 5));
  EXPECT_EQ(IngestOne(Person("crm", "1", {Email("b")}, 5)).outcome, WriteOutcome::kApplied);
  EXPECT_THAT(Stored("1"), HasSubstr("v5 {email=b"));
}

TEST_F(Versions, AbsentOneIsTheStoredOneOrZero) {
  EXPECT_EQ(IngestOne(Person("crm", "1", {Email("a")})).version, 0);
  EXPECT_EQ(IngestOne(Person("crm", "1", {Email("a")}, 7)).version, 7);
  EXPECT_EQ(IngestOne(Person("crm", "1", {Email("b")})).version, 7);
  EXPECT_EQ(IngestOne(Person("crm", "1", {Email("c")}, -1)).outcome, WriteOutcome::kStale);
}

TEST_F(Versions, FirstWriteAppliesWhateverItsVersion) {
  EXPECT_EQ(IngestOne(Person("crm", "1", {Email("a")}, kMin)).outcome, WriteOutcome::kApplied);
  EXPECT_EQ(IngestOne(Person("crm", "1", {Email("b")}, kMin)).outcome, WriteOutcome::kApplied);
  EXPECT_EQ(IngestOne(Person("crm", "1", {Email("c")}, kMax)).outcome, WriteOutcome::kApplied);
  EXPECT_EQ(IngestOne(Person("crm", "1", {Email("d")}, kMax - 1)).outcome, WriteOutcome::kStale);
  EXPECT_EQ(IngestOne(Gone("crm", "2", -5)).version, -5);
  EXPECT_EQ(IngestOne(Person("crm", "2", {}, -6)).outcome, WriteOutcome::kStale);
}

TEST_F(Versions, RaiseWithoutAChangeOfContent) {
  IngestOne(Person("crm", "1", {Email("a", {0, 5}), Email("a", {5, 9})}, 1));
  const Assignment again =
      IngestOne(Person("crm", "1", {Email("a", {0, 9}), Email("a", {3, 4})}, 4));
  EXPECT_EQ(again.outcome, WriteOutcome::kUnchanged) << "equal once coalesced";
  EXPECT_EQ(again.version, 4);
  EXPECT_EQ(IngestOne(Person("crm", "1", {Email("b")}, 3)).outcome, WriteOutcome::kStale);
  EXPECT_EQ(IngestOne(Person("crm", "1", {Email("a", {0, 9})}, 4)).outcome,
            WriteOutcome::kUnchanged);
}

TEST_F(Versions, OfARetractedIdentityAreRemembered) {
  EXPECT_EQ(IngestOne(Gone("crm", "1", 5)).outcome, WriteOutcome::kApplied) << "the first one";
  EXPECT_EQ(Records(), 0U);
  Reopen();
  EXPECT_EQ(IngestOne(Person("crm", "1", {Email("a")}, 4)).outcome, WriteOutcome::kStale);
  EXPECT_EQ(Stored("1"), "none");
  EXPECT_EQ(IngestOne(Gone("crm", "1", 6)).outcome, WriteOutcome::kUnchanged);
  EXPECT_EQ(IngestOne(Person("crm", "1", {Email("a")}, 6)).outcome, WriteOutcome::kApplied);
  EXPECT_THAT(Stored("1"), HasSubstr("v6"));
}

TEST_F(Versions, CountWithinOneRequestToo) {
  const auto assignments =
      Ingest({Person("crm", "1", {Email("a")}, 2), Person("crm", "1", {Email("b")}, 1),
              Gone("crm", "1", 3), Person("crm", "1", {Email("c")}, 4)});
  ASSERT_THAT(assignments, SizeIs(4));
  EXPECT_EQ(assignments[0].outcome, WriteOutcome::kApplied);
  EXPECT_EQ(assignments[1].outcome, WriteOutcome::kStale);
  EXPECT_EQ(assignments[2].outcome, WriteOutcome::kApplied);
  EXPECT_EQ(assignments[3].outcome, WriteOutcome::kApplied);
  EXPECT_THAT(Stored("1"), HasSubstr("v4 {email=c"));
  EXPECT_EQ(Records(), 1U);
}

// --- rewrites and retractions --------------------------------------------------------------------

class Lives : public EngineTest {
 protected:
  Lives() { SetOntology(kByEmail); }
};

TEST_F(Lives, RewriteReplacesAllDescriptors) {
  Ingest({Person("crm", "1", {Email("a"), Tax("7")}), Person("erp", "1", {Email("a")})});
  EXPECT_EQ(EntityName("erp", "1"), "person/crm/1");
  Ingest({Person("crm", "1", {Email("b")})});
  EXPECT_EQ(EntityName("erp", "1"), "person/erp/1");
  Ingest({Person("erp", "1", {Email("b"), Tax("8")})});
  EXPECT_EQ(EntityName("erp", "1"), "person/crm/1")
      << "its own tax number clashes with nothing any more";
  Ingest({Person("erp", "1", {})});
  EXPECT_EQ(EntityName("erp", "1"), "person/erp/1") << "no descriptors are descriptors, too";
}

TEST_F(Lives, ARetractedRecordsNameTellsWhereItWent) {
  Ingest({Person("crm", "1", {Email("a")}), Person("erp", "1", {Email("a")}),
          Person("web", "1", {Email("a")})});
  const Assignment gone = IngestOne(Gone("crm", "1"));
  EXPECT_EQ(gone.outcome, WriteOutcome::kApplied);
  EXPECT_EQ(gone.entity_name, "");
  EXPECT_EQ(gone.entity, RecordId());
  EXPECT_THAT(EntityName("crm", "1"), HasSubstr("person/erp/1"));
  Ingest({Gone("erp", "1")});
  EXPECT_THAT(EntityName("erp", "1"), HasSubstr("person/web/1"));
  const auto entity = engine_->Read().GetEntity({"person", "erp", "1"}, std::nullopt);
  EXPECT_EQ(entity.status().code(), absl::StatusCode::kNotFound);
  Ingest({Person("crm", "1", {Email("other")})});
  EXPECT_EQ(EntityName("crm", "1"), "person/crm/1") << "back, but elsewhere";
}

TEST_F(Lives, UnknownNamesAreNotFound) {
  Ingest({Person("crm", "1", {Email("a")})});
  for (const Identity& identity :
       std::vector<Identity>{{"person", "crm", "2"}, {"person", "new", "1"}, {"x", "crm", "1"}}) {
    const auto entity = engine_->Read().GetEntity(identity, std::nullopt);
    EXPECT_EQ(entity.status().code(), absl::StatusCode::kNotFound);
  }
}

TEST_F(Lives, AsOfAnInstantShowsWhatHoldsThen) {
  Ingest({Person("crm", "1", {Email("a"), {"city", "x", {0, 5}}, {"city", "y", {5, 9}}})});
  const auto entity = engine_->Read().GetEntity({"person", "crm", "1"}, 5);
  EXPECT_EQ(Text(entity->golden), Text({{"city", "y", {5, 9}}, Email("a")}));
  EXPECT_EQ(Text(entity->records[0].record.descriptors), Text({{"city", "y", {5, 9}}, Email("a")}));
}

TEST_F(Lives, TakingEveryRecordOutLeavesAnEmptyStore) {
  std::vector<Write> writes;
  for (int i = 0; i < 30; ++i) {
    writes.push_back(Person("crm", std::to_string(i),
                            {Email(std::to_string(i % 7)), Tax(std::to_string(i % 3))}));
  }
  Ingest(writes);
  EXPECT_THAT(Everything(*engine_), ::testing::Contains(HasSubstr("indirect")));
  for (Write& write : writes) write.retract = true;
  Ingest(writes);
  EXPECT_THAT(Everything(*engine_), IsEmpty());
  const StoreStats stats = *engine_->Read().GetStats();
  EXPECT_EQ(stats.records + stats.entities + stats.conflicts + stats.graph_edges, 0U);
  EXPECT_TRUE(engine_->Read().GetRecordIdRange()->empty);
}

// --- ids -----------------------------------------------------------------------------------------

TEST_F(EngineTest, RecordIdsAreKeptOverRestartsAndNeverReused) {
  std::map<std::string, RecordId> ids;
  std::set<RecordId> used;
  const auto write = [&](const std::string& uid) {
    const RecordId id = IngestOne(Person("crm", uid, {Email("a")})).record;
    const auto [it, inserted] = ids.emplace(uid, id);
    EXPECT_EQ(it->second, id);
    EXPECT_EQ(used.insert(id).second, inserted) << "another record's";
    EXPECT_NE(id, RecordId());
  };
  for (int i = 0; i < 200; ++i) write(std::to_string(i));
  for (int i = 0; i < 200; i += 2) Ingest({Gone("crm", std::to_string(i))});
  Reopen();
  for (int i = 0; i < 400; ++i) write(std::to_string(i));
}

// --- refusals and atomicity ----------------------------------------------------------------------

class Refusals : public EngineTest {
 protected:
  Refusals() {
    SetOntology(kByEmail);
    Ingest({Person("crm", "1", {Email("a")})});
  }
  // Nothing of the request is stored.
  std::string Refused(std::vector<Write> writes,
                      absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
    const auto before = Everything(*engine_);
    const auto answer = engine_->Ingest(std::move(writes));
    EXPECT_EQ(answer.status().code(), code);
    EXPECT_EQ(Everything(*engine_), before);
    return std::string(answer.status().message());
  }
};

TEST_F(Refusals, ABadRecordInTheMiddleRefusesTheRequest) {
  EXPECT_EQ(Refused({Person("crm", "2", {Email("a")}),
                     Person("crm", "3", {Email("b"), Email("c", {7, 5})}), Person("crm", "4")}),
            "records[1] person/crm/3: descriptors[1].end: 5 <= start 7");
  EXPECT_EQ(Refused({Person("crm", "1", {Email("z")}), Person("", "2")}),
            "records[1] person//2: perspective: must not be empty");
}

TEST_F(Refusals, AnEmptyIntervalInsideAnotherOneIsNoticed) {
  EXPECT_EQ(Refused({Person("crm", "2", {Email("b", {0, 10}), Email("b", {5, 3})})}),
            "records[0] person/crm/2: descriptors[1].end: 3 <= start 5");
}

TEST_F(Refusals, LateWritesAndRetractionsAreCheckedToo) {
  std::vector<Descriptor> many;
  for (size_t i = 0; i <= limits::kKeyInstancesMax; ++i)
    many.push_back(Email("m" + std::to_string(i)));
  EXPECT_THAT(Refused({Person("crm", "1", many, -9)}),
              StartsWith("records[0] person/crm/1: more than 1024 instances"));
  Write retraction = Gone("crm", "1");
  retraction.descriptors = many;
  EXPECT_THAT(Refused({retraction}), HasSubstr("more than 1024 instances"));
  many.pop_back();
  Ingest({Person("crm", "2", many)});
}

TEST_F(Refusals, DescriptorsAreCountedBeforeTheyAreCoalesced) {
  const std::vector<Descriptor> same(limits::kDescriptorsPerRecordMax + 1, Email("b"));
  EXPECT_THAT(Refused({Person("crm", "2", same)}), HasSubstr("65536 of them"));
}

TEST_F(Refusals, TooManyRecordsInOneRequest) {
  std::vector<Write> writes(limits::kRecordsPerRequestMax + 1, Person("crm", "2"));
  EXPECT_THAT(Refused(writes), HasSubstr("20001 records in one request"));
  EXPECT_THAT(Ingest({}), IsEmpty());
}

TEST_F(Refusals, MoreRecordsThanMayWait) {
  std::vector<Ingestion> waiting;
  std::vector<Write> writes(limits::kRecordsPerRequestMax, Person("crm", "2"));
  absl::Status status;
  for (size_t i = 0; i < 100 && status.ok(); ++i) {
    auto submitted = engine_->Submit(writes, Lane::kUnary);
    status = submitted.status();
    if (submitted.ok()) waiting.push_back(*std::move(submitted));
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  auto patient = engine_->Submit(writes, Lane::kStreams);
  ASSERT_TRUE(patient.ok()) << patient.status();
  waiting.push_back(*std::move(patient));
  for (Ingestion& ingestion : waiting) EXPECT_TRUE(ingestion.Await().ok());
  EXPECT_TRUE(engine_->Ingest(writes).ok()) << "the queue is empty again";
}

// --- the ontology --------------------------------------------------------------------------------

TEST_F(EngineTest, ANewOntologyReResolvesWhatIsStored) {
  EXPECT_EQ(engine_->GetOntology(), ontology::Ontology());
  Ingest({Person("crm", "1", {Email("a"), {"phone", "5", kAlways}}),
          Person("erp", "1", {Email("a")}), Person("web", "1", {{"phone", "5", kAlways}}),
          Gone("web", "2", 4)});
  EXPECT_EQ(EntityName("erp", "1"), "person/erp/1");
  auto before = std::make_unique<View>(engine_->Read());
  SetOntology(kByEmail);
  EXPECT_EQ(EntityName("erp", "1"), "person/crm/1");
  EXPECT_EQ(EntityName("web", "1"), "person/web/1");
  SetOntology(R"({"identity_keys": [{"name": "by_phone", "attributes": ["phone"]}]})");
  EXPECT_EQ(EntityName("erp", "1"), "person/erp/1");
  EXPECT_EQ(EntityName("web", "1"), "person/crm/1");
  EXPECT_EQ(before->GetEntity({"person", "web", "1"}, std::nullopt)->ref.name, "person/web/1")
      << "an old view stays";
  before.reset();
  Reopen();
  EXPECT_EQ(EntityName("web", "1"), "person/crm/1");
  EXPECT_EQ(engine_->GetOntology().identity_keys.at(0).name, "by_phone");
  EXPECT_EQ(IngestOne(Person("web", "2", {}, 3)).outcome, WriteOutcome::kStale)
      << "versions are kept";
  EXPECT_EQ(Records(), 3U);
}

TEST_F(EngineTest, AnOntologyThatAStoredRecordBreaksIsRefusedAndNamesIt) {
  SetOntology(kByEmail);
  std::vector<Descriptor> many;
  for (int i = 0; i < 33; ++i) {
    many.push_back({"x", std::to_string(i), kAlways});
    many.push_back({"y", std::to_string(i), kAlways});
  }
  Ingest({Person("crm", "1", {Email("a")}), Person("crm", "2/3", many)});
  const auto before = Everything(*engine_);
  const auto wide =
      ontology::ParseOntology(R"({"identity_keys": [{"name": "xy", "attributes": ["x", "y"]}]})")
          .value();
  for (const absl::Status& status : {engine_->CheckOntology(wide), engine_->SetOntology(wide)}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("person/crm/2%2F3"));
  }
  EXPECT_EQ(Everything(*engine_), before);
  EXPECT_EQ(engine_->GetOntology().identity_keys.at(0).name, "by_email");
  Ingest({Gone("crm", "2/3")});
  EXPECT_TRUE(engine_->CheckOntology(wide).ok());
  EXPECT_EQ(engine_->GetOntology().identity_keys.at(0).name, "by_email")
      << "a check changes nothing";
}

// --- restarts ------------------------------------------------------------------------------------

TEST_F(EngineTest, ReopeningGivesTheSameAndGoesOn) {
  SetOntology(kByEmail);
  Ingest({Person("crm", "1", {Email("a"), Tax("1")}), Person("erp", "1", {Email("a"), Tax("2")}),
          Person("web", "1", {Email("a", {kMin, kMin + 1}), Email("b", {kMax - 1, kMax})})});
  const auto before = Everything(*engine_);
  Reopen();
  EXPECT_EQ(Everything(*engine_), before);
  Ingest({Person("erp", "1", {Email("a"), Tax("1")})});
  EXPECT_EQ(EntityName("erp", "1"), "person/crm/1");
  EXPECT_EQ(EntityName("web", "1"), "person/crm/1");
}

TEST_F(EngineTest, ADirectoryOfAnotherShardOrInUseIsRefused) {
  EXPECT_EQ(Engine::Open(options_).status().code(), absl::StatusCode::kUnavailable);
  engine_.reset();
  options_.shard_id = 1;
  EXPECT_EQ(Engine::Open(options_).status().code(), absl::StatusCode::kFailedPrecondition);
}

// --- views ---------------------------------------------------------------------------------------

TEST_F(EngineTest, AViewNeverChanges) {
  SetOntology(kByEmail);
  Ingest({Person("crm", "1", {Email("a")})});
  const View view = engine_->Read();
  Ingest({Person("crm", "1", {Email("b")}), Person("abc", "1", {Email("b")}),
          Person("erp", "1", {Email("a")})});
  Ingest({Gone("crm", "1")});
  EXPECT_EQ(view.GetEntity({"person", "crm", "1"}, std::nullopt)->golden.at(0).value, "a");
  EXPECT_FALSE(view.GetEntity({"person", "erp", "1"}, std::nullopt).ok());
  EXPECT_EQ(view.GetStats()->records, 1U);
}

// --- reset ---------------------------------------------------------------------------------------

TEST_F(EngineTest, ResetNeedsPermission) {
  Ingest({Person("crm", "1")});
  EXPECT_EQ(engine_->Reset().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Records(), 1U);
}

TEST_F(EngineTest, ResetDeletesRecordsAndOntologyAndNothingComesBack) {
  options_.allow_reset = true;
  Reopen();
  SetOntology(kByEmail);
  Ingest({Person("crm", "1", {Email("a"), Tax("7")}, 9), Person("erp", "1", {Email("a")})});
  ASSERT_TRUE(engine_->Reset().ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Everything(*engine_), IsEmpty());
    EXPECT_EQ(Records(), 0U);
    EXPECT_EQ(engine_->GetOntology(), ontology::Ontology());
    if (i == 0) Reopen();
  }
}

TEST_F(EngineTest, AViewFromBeforeAResetKeepsWhatItHad) {
  options_.allow_reset = true;
  Reopen();
  SetOntology(kByEmail);
  Ingest({Person("crm", "1", {Email("a"), Tax("7")}), Person("erp", "1", {Email("a")})});
  const auto old = Everything(*engine_);
  const View before = engine_->Read();
  ASSERT_TRUE(engine_->Reset().ok());
  Ingest({Person("abc", "1",
                 {{"first", "x", kAlways}, {"second", "x", kAlways}, {"third", "x", kAlways}})});
  auto kept = AllPages([&](const std::string& c) { return ExportGraph(before, {}, 0, c); });
  std::sort(kept.begin(), kept.end());
  EXPECT_EQ(kept, old);
  EXPECT_EQ(EntityName("abc", "1"), "person/abc/1");
  EXPECT_EQ(IngestOne(Person("crm", "1", {}, -1)).outcome, WriteOutcome::kApplied)
      << "versions are forgotten";
}

// --- reading beside a writer, and backups --------------------------------------------------------

TEST_F(EngineTest, ReadOnlyIsOneStateBesideTheWriter) {
  SetOntology(kByEmail);
  Ingest({Person("crm", "1", {Email("a")}), Person("erp", "1", {Email("a")})});
  const auto then = Everything(*engine_);
  EngineOptions reading = options_;
  reading.read_only = true;
  reading.allow_reset = true;
  reading.backup_dir = temp_.path() + "/backup";
  const auto reader = Engine::Open(reading);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(Everything(**reader), then);
  Ingest({Gone("crm", "1")});
  EXPECT_EQ(Everything(**reader), then);
  EXPECT_EQ((*reader)->GetOntology(), engine_->GetOntology());
  constexpr auto kRefused = absl::StatusCode::kFailedPrecondition;
  EXPECT_EQ((*reader)->Ingest({Person("crm", "2")}).status().code(), kRefused);
  EXPECT_EQ((*reader)->SetOntology({}).code(), kRefused);
  EXPECT_EQ((*reader)->CheckOntology({}).code(), kRefused);
  EXPECT_EQ((*reader)->Reset().code(), kRefused);
  EXPECT_EQ((*reader)->Checkpoint("a").status().code(), kRefused);
  EXPECT_EQ((*reader)->Backup([] { return false; }).status().code(), kRefused);
}

TEST_F(EngineTest, ABackupIsRestoredAsAStoreOfItsMoment) {
  const auto never = [] { return false; };
  EXPECT_EQ(engine_->Backup(never).status().code(), absl::StatusCode::kFailedPrecondition);
  options_.backup_dir = temp_.path() + "/backup";
  options_.backup_keep = 2;
  Reopen();
  EXPECT_EQ(engine_->Checkpoint("backups").status().code(), absl::StatusCode::kInvalidArgument);
  SetOntology(kByEmail);
  std::vector<std::vector<std::string>> then;
  for (const char* uid : {"1", "2", "3"}) {
    Ingest({Person("crm", uid, {Email("a")})});
    then.push_back(Everything(*engine_));
    ASSERT_TRUE(engine_->Backup(never).ok());
  }
  EXPECT_EQ(engine_->GetStorageMetrics().backups_made, 3U);
  EXPECT_EQ(engine_->GetStorageMetrics().backups_failed, 0U);
  ASSERT_EQ(ListBackups(options_.backup_dir)->size(), 2U);
  for (const uint32_t id : {2U, 3U}) {
    EngineOptions copy = options_;
    copy.data_dir = temp_.path() + "/restored" + std::to_string(id);
    ASSERT_TRUE(RestoreBackup(options_.backup_dir, id, copy.data_dir).ok());
    const auto restored = Engine::Open(copy);
    ASSERT_TRUE(restored.ok()) << restored.status();
    EXPECT_EQ(Everything(**restored), then[id - 1]);
  }
}

// --- checkpoints ---------------------------------------------------------------------------------

TEST_F(EngineTest, ACheckpointOpensAsAStoreOfItsMoment) {
  EXPECT_EQ(engine_->Checkpoint("a").status().code(), absl::StatusCode::kFailedPrecondition);
  options_.backup_dir = temp_.path() + "/backup";
  Reopen();
  SetOntology(kByEmail);
  Ingest({Person("crm", "1", {Email("a")}), Person("erp", "1", {Email("a")})});
  const auto then = Everything(*engine_);
  const std::string dir = engine_->Checkpoint("monday.1").value()[0];
  EXPECT_EQ(dir, options_.backup_dir + "/monday.1");
  Ingest({Gone("crm", "1")});
  EXPECT_EQ(engine_->Checkpoint("monday.1").status().code(), absl::StatusCode::kAlreadyExists);
  const std::string first = engine_->Checkpoint("").value()[0];
  const std::string second = engine_->Checkpoint("").value()[0];
  EXPECT_NE(first, second);
  for (const char* name : {"..", ".", "a/b", "a b", "\xC3\xA9"}) {
    EXPECT_EQ(engine_->Checkpoint(name).status().code(), absl::StatusCode::kInvalidArgument)
        << name;
  }
  EXPECT_EQ(engine_->Checkpoint(std::string(65, 'n')).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(engine_->Checkpoint(std::string(64, 'n')).ok());
  EngineOptions copy = options_;
  copy.data_dir = dir;
  const auto restored = Engine::Open(copy);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(Everything(**restored), then);
  EXPECT_TRUE((*restored)->Ingest({Person("new", "1", {Email("a")})}).ok());
}

// --- many threads --------------------------------------------------------------------------------

TEST_F(EngineTest, WritersAndReadersTogetherGiveWhatOneWriterGives) {
  constexpr int kWriters = 6;
  constexpr int kRequests = 30;
  SetOntology(kByEmail);
  const auto request = [](int writer, int n) {
    std::vector<Write> writes;
    for (int i = 0; i < 5; ++i) {
      const int id = n * 5 + i;
      writes.push_back(Person(
          "w" + std::to_string(writer), std::to_string(id % 40),
          {Email(std::to_string(id % 23)), Tax(std::to_string((id + writer) % 3), {0, id + 1})},
          id));
    }
    return writes;
  };
  std::vector<std::unique_ptr<Thread>> threads;
  for (int w = 0; w < kWriters; ++w) {
    threads.push_back(std::make_unique<Thread>("writer", [&, w] {
      for (int n = 0; n < kRequests; ++n) {
        const auto answers = engine_->Ingest(request(w, n));
        ASSERT_TRUE(answers.ok());
        const View view = engine_->Read();
        const auto entity = view.GetEntity(
            {"person", "w" + std::to_string(w), std::to_string(n * 5 % 40)}, std::nullopt);
        ASSERT_TRUE(entity.ok()) << "an answered write is visible: " << entity.status();
        const StoreStats stats = *view.GetStats();
        EXPECT_GE(stats.records, stats.entities) << "one commit, all of it";
      }
    }));
  }
  threads.clear();
  const auto together = Everything(*engine_);
  store::TempDir other;
  EngineOptions options = options_;
  options.data_dir = other.path();
  const auto alone = Engine::Open(options).value();
  ASSERT_TRUE(alone->SetOntology(engine_->GetOntology()).ok());
  for (int w = kWriters; w-- > 0;) {
    for (int n = 0; n < kRequests; ++n) ASSERT_TRUE(alone->Ingest(request(w, n)).ok());
  }
  EXPECT_EQ(together, Everything(*alone));
}

TEST_F(EngineTest, WritesAreTakenWhileTheOntologyChanges) {
  const auto a = ontology::ParseOntology(kByEmail).value();
  const auto b =
      ontology::ParseOntology(R"({"identity_keys": [{"name": "by_tax", "attributes": ["tax"]}]})")
          .value();
  std::atomic<bool> stop = false;
  Thread writer("writer", [&] {
    for (int i = 0; !stop; ++i) {
      ASSERT_TRUE(engine_
                      ->Ingest({Person("crm", std::to_string(i),
                                       {Email(std::to_string(i % 5)), Tax(std::to_string(i % 3))})})
                      .ok());
    }
  });
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(engine_->SetOntology(i % 2 == 0 ? a : b).ok());
  stop = true;
  writer.Join();
  const auto before = Everything(*engine_);
  ASSERT_TRUE(engine_->SetOntology(a).ok());
  ASSERT_TRUE(engine_->SetOntology(b).ok());
  EXPECT_EQ(Everything(*engine_), before);
}

TEST_F(EngineTest, SubmittedRequestsAreAppliedInTheirOrder) {
  std::vector<Ingestion> waiting;
  for (int i = 0; i < 200; ++i) {
    auto submitted = engine_->Submit({Person("crm", "1", {Email(std::to_string(i))})},
                                     Lane::kStreams);
    ASSERT_TRUE(submitted.ok());
    waiting.push_back(*std::move(submitted));
  }
  for (Ingestion& ingestion : waiting) {
    EXPECT_THAT(ingestion.Await().value(),
                ElementsAre(::testing::Field(&Assignment::outcome, WriteOutcome::kApplied)));
  }
  EXPECT_EQ(engine_->Read().GetEntity({"person", "crm", "1"}, std::nullopt)->golden.at(0).value,
            "199");
}

}  // namespace
}  // namespace unirust::shard
