// An engine on a store of several parts answers as one on a single directory does: random histories, with the writer
// dying at any call to another part.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <thread>
#include <variant>

#include "base/mutex.h"
#include "shard/backups.h"
#include "store/keys.h"
#include "tests/cluster/cluster_fixture.h"
#include "tests/shard/incremental_fixture.h"

namespace unirust::shard {
namespace {

using cluster::Cluster;
using cluster::Life;
using cluster::Reach;

class ClusterHistories : public IncrementalTest, public ::testing::WithParamInterface<Reach> {
 protected:
  ~ClusterHistories() override { engine_.reset(); }

  void Build(size_t parts, Dice& dice) {
    engine_.reset();
    cluster_ = std::make_unique<Cluster>(temp_.path() + "/parts" + std::to_string(++built_), parts,
                                         GetParam());
    for (size_t n = dice.Below(300); n > 0; --n) {  // any assignment of slots
      cluster_->Assign(static_cast<uint16_t>(dice.Below(limits::kSlots)), dice.Below(parts));
    }
    live_.clear();
    Open(Life::kForever);
  }

  void Open(int64_t calls) {
    auto store = cluster_->Open(calls);
    ASSERT_TRUE(store.ok()) << store.status();
    auto engine = Engine::OpenOn(*std::move(store), options_);
    ASSERT_TRUE(engine.ok() || cluster_->WriterDied()) << engine.status();
    if (engine.ok()) engine_ = *std::move(engine);
  }

  std::vector<Write> RandomBatch(Dice& dice) {
    std::vector<Write> out;
    for (size_t n = 1 + dice.Below(6); n > 0; --n) out.push_back(RandomWrite(dice, kSparse));
    return out;
  }

  // Slots begin to move, or go on to do so.
  absl::Status Move(Dice& dice) {
    if (!dice.OneIn(8)) return engine_->MoveStep().status();
    const Engine::SlotPlan plan = *engine_->PlanSlots({});
    cluster::SlotMap target = plan.target;
    const size_t parts = plan.target.LastPart() + 1;
    for (size_t n = dice.Below(600); n > 0; --n) {
      target.Assign(static_cast<uint16_t>(dice.Below(limits::kSlots)), dice.Below(parts));
    }
    return engine_->MoveSlots(plan.version, target);
  }
  void MoveAtRandom(Dice& dice) {
    for (size_t steps = dice.Below(6); steps > 0; --steps) {
      const absl::Status status = Move(dice);
      EXPECT_TRUE(status.ok()) << status;
    }
  }

  void TryApply(const std::vector<Write>& batch) {
    const auto assignments = engine_->Ingest(batch);
    if (assignments.ok()) return Note(batch);
    EXPECT_TRUE(absl::IsUnavailable(assignments.status())) << assignments.status();
    EXPECT_TRUE(cluster_->WriterDied());
    unsure_ = batch;
  }

  // Of what was not acknowledged there is all or nothing.
  void Settle(Dice& dice) {
    if (!unsure_.empty() && Everything(*engine_) != Fresh(dice)) Note(unsure_);
    unsure_.clear();
    ExpectFresh(dice);
  }

  // Writes until the writer is dead, and opens again.
  void LiveAndDie(Dice& dice) {
    Open(static_cast<int64_t>(1 + dice.Below(300)));
    while (engine_ != nullptr && !cluster_->WriterDied()) {
      if (!dice.OneIn(12)) {
        TryApply(RandomBatch(dice));
        if (dice.OneIn(2)) {
          const absl::Status status = Move(dice);
          EXPECT_TRUE(status.ok() || absl::IsUnavailable(status)) << status;
        }
        continue;
      }
      const ontology::Ontology wanted = RandomOntology(dice);
      const absl::Status status = engine_->SetOntology(wanted);
      if (status.ok()) {
        ontology_ = wanted;
      } else {
        EXPECT_TRUE(absl::IsUnavailable(status)) << status;
      }
    }
    engine_.reset();
    if (dice.OneIn(2)) cluster_->CloseParts();
    Open(Life::kForever);
  }

  std::unique_ptr<Cluster> cluster_;
  size_t built_ = 0;
  ontology::Ontology ontology_;
  std::vector<Write> unsure_;
};

TEST_P(ClusterHistories, OneAnswerForAnyNumberOfParts) {
  for (const size_t parts : {1, 2, 3, 4, 8}) {
    SCOPED_TRACE(parts);
    ForEachSeed("UNIRUST_CLUSTER_SEEDS", [&](Dice& dice) {
      Build(parts, dice);
      Start(RandomOntology(dice));
      for (size_t batches = 12; batches > 0 && !HasFailure(); --batches) {
        Apply(RandomBatch(dice));
        MoveAtRandom(dice);
        if (dice.OneIn(4)) ExpectFresh(dice);
      }
      Start(RandomOntology(dice));
      MoveAtRandom(dice);
      ExpectFresh(dice);
      while (*engine_->MoveStep()) {
      }
      EXPECT_EQ(engine_->GetSlots().placement->fault, "");
      RetractAll(dice);
    }, 1);
  }
}

TEST_P(ClusterHistories, NothingIsLostOrHalfAppliedWhereverTheWriterDies) {
  ForEachSeed("UNIRUST_CLUSTER_SEEDS", [&](Dice& dice) {
    Build(2 + dice.Below(3), dice);
    ontology_ = RandomOntology(dice);
    Start(ontology_);
    engine_.reset();
    for (size_t lives = 8; lives > 0 && !HasFailure(); --lives) {
      LiveAndDie(dice);
      ASSERT_NE(engine_, nullptr);
      EXPECT_EQ(engine_->GetOntology(), ontology_);
      Settle(dice);
      engine_.reset();
    }
    Open(Life::kForever);
    RetractAll(dice);
  }, 3);
}

TEST_P(ClusterHistories, APartThatCannotBeReachedDelaysNothingButItsOwnAnswers) {
  Dice dice(1);
  Build(3, dice);
  Start(RandomOntology(dice));
  for (size_t n = 4; n > 0; --n) Apply(RandomBatch(dice));
  const auto before = Everything(*engine_);
  cluster_->SetTakesEpochs(false);
  std::vector<std::vector<Write>> refused;
  for (size_t n = 4; n > 0; --n) {
    refused.push_back(RandomBatch(dice));
    const absl::Status status = engine_->Ingest(refused.back()).status();
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  }
  EXPECT_TRUE(absl::IsUnavailable(engine_->SetOntology(RandomOntology(dice))));
  EXPECT_EQ(Everything(*engine_), before);
  cluster_->SetReachable(false);
  EXPECT_TRUE(absl::IsUnavailable(engine_->Ingest(refused.back()).status()));
  cluster_->SetTakesEpochs(true);
  cluster_->SetReachable(true);
  for (const auto& batch : refused) {
    while (!engine_->Ingest(batch).ok()) std::this_thread::yield();
    Note(batch);
    ExpectFresh(dice);
  }
}

// It reads an index in a part that has not heard of the batch before.
TEST_P(ClusterHistories, NothingIsResolvedWithoutTheBatchBefore) {
  Dice dice(1);
  Build(2, dice);
  Start(*ontology::ParseOntology(
      R"({"constraints": [{"name": "one_phone", "attribute": "phone"}]})"));
  std::vector<Write> first;
  std::vector<Write> second;
  for (int n = 0; n < 8; ++n) {
    const std::vector<Descriptor> phone = {{"phone", std::to_string(n), kAlways}};
    first.push_back(Person("crm", std::to_string(n), phone));
    second.push_back(Person("erp", std::to_string(n), phone));
  }
  const std::vector<Descriptor> own = {{"phone", "own", kAlways}};
  Apply({Person("crm", "own", own), Person("erp", "own", own)});  // the names are in memory
  cluster_->SetTakesEpochs(false);
  auto one = engine_->Submit(first, Lane::kStreams);
  while (cluster_->RefusedEpochs() == 0) std::this_thread::yield();
  auto two = engine_->Submit(second, Lane::kStreams);
  EXPECT_TRUE(absl::IsUnavailable(one->Await().status()));
  EXPECT_TRUE(absl::IsUnavailable(two->Await().status()));
  cluster_->SetTakesEpochs(true);
  for (const auto& batch : {first, second}) {
    while (!engine_->Ingest(batch).ok()) std::this_thread::yield();
    Note(batch);
  }
  ExpectFresh(dice);
}

// --- parts that cannot be reached ------------------------------------------------------------------

// What a record's own rows, and those of an entity that has no other record, need: one slot.
uint16_t SlotOf(const Identity& record) {
  return store::FirstAddress(record.entity_type, record.perspective, record.uid).slot;
}

class PartialReads : public ClusterHistories {
 protected:
  // All pages of a listing; `fetch(page_size, cursor)` reads one.
  template <typename Fetch>
  static auto All(const Fetch& fetch) {
    decltype(fetch(0, "")->items) out;
    std::string cursor;
    do {
      auto page = fetch(2, cursor);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      std::move(page->items.begin(), page->items.end(), std::back_inserter(out));
      cursor = std::move(page->cursor);
    } while (!cursor.empty());
    return out;
  }
  static std::vector<RecordView> Records(const View& view, const RecordFilter& filter) {
    return All([&](size_t size, const std::string& cursor) {
      return view.ScanRecords(filter, size, cursor);
    });
  }
  static std::vector<Match> Matches(const View& view, const AttributeValue& pair) {
    return All([&](size_t size, const std::string& cursor) {
      return view.FindEntities({pair}, kAlways, size, cursor);
    });
  }
  static std::string Whole(const RecordView& r) { return Text(r) + " of " + r.entity_name; }
  template <typename Item>
  static std::string Whole(const Item& item) {
    return Text(item);
  }
  template <typename Items>
  static std::set<std::string> Texts(const Items& items) {
    std::set<std::string> out;
    for (const auto& item : items) out.insert(Whole(item));
    EXPECT_EQ(out.size(), items.size()) << "an item came twice";
    return out;
  }
  template <typename Items>
  static std::set<std::string> ExpectSome(const Items& partial, const Items& whole) {
    const std::set<std::string> some = Texts(partial);
    const std::set<std::string> all = Texts(whole);
    EXPECT_TRUE(std::includes(all.begin(), all.end(), some.begin(), some.end()));
    return some;
  }

  bool IsGone(const Identity& record) const {
    return engine_->GetSlots().placement->map.PartOf(SlotOf(record)) == gone_;
  }
  // The records of each entity, by its name.
  static std::map<std::string, std::vector<Identity>> Entities(const View& whole) {
    std::map<std::string, std::vector<Identity>> out;
    for (const RecordView& r : Records(whole, {})) out[r.entity_name].push_back(r.record.identity);
    return out;
  }

  void CheckRecords(const View& whole, const View& partial, const RecordFilter& filter) {
    const std::vector<RecordView> all = Records(whole, filter);
    const std::set<std::string> some = ExpectSome(Records(partial, filter), all);
    auto entities = Entities(whole);
    for (const RecordView& r : all) {
      if (IsGone(r.record.identity)) {
        EXPECT_FALSE(some.contains(Whole(r)));
      } else if (entities[r.entity_name].size() == 1) {
        EXPECT_TRUE(some.contains(Whole(r)));
      }
    }
  }
  void CheckMatches(const View& whole, const View& partial, const AttributeValue& pair) {
    const std::vector<Match> all = Matches(whole, pair);
    const std::set<std::string> some = ExpectSome(Matches(partial, pair), all);
    auto entities = Entities(whole);
    for (const Match& m : all) {
      const std::vector<Identity>& records = entities[m.entity.name];
      const bool gone = std::any_of(records.begin(), records.end(),
                                    [&](const Identity& r) { return IsGone(r); });
      if (gone) {
        EXPECT_FALSE(some.contains(Whole(m)));
      } else if (records.size() == 1) {
        EXPECT_TRUE(some.contains(Whole(m)));
      }
    }
    const auto outcome = partial.Query({pair}, kAlways);
    const auto expected = whole.Query({pair}, kAlways);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    if (const auto* matches = std::get_if<std::vector<Match>>(&*expected)) {
      ExpectSome(std::get<std::vector<Match>>(*outcome), *matches);
    }
  }
  // Whoever does not ask for part of an answer gets all of it or none.
  void CheckWholeReads(const View& whole) {
    const View view = engine_->Read();
    EXPECT_TRUE(absl::IsUnavailable(view.ScanRecords({}, 10, "").status()));
    EXPECT_TRUE(absl::IsUnavailable(view.ListConflicts({}, 10, "").status()));
    EXPECT_TRUE(view.missing().empty());
    for (const auto& [name, records] : Entities(whole)) {
      const auto entity = view.GetEntity(records[0], std::nullopt);
      if (entity.ok()) {
        EXPECT_EQ(Text(entity->golden), Text(whole.GetEntity(records[0], std::nullopt)->golden));
      } else {
        EXPECT_TRUE(absl::IsUnavailable(entity.status())) << entity.status();
      }
      if (records.size() == 1 || IsGone(records[0])) {
        EXPECT_EQ(entity.ok(), !IsGone(records[0]));
      }
    }
  }

  size_t gone_ = 0;
};

TEST_P(PartialReads, LeaveOutWhatNeedsAMissingPartAndNothingElse) {
  size_t conflicts = 0;
  size_t left_out = 0;
  ForEachSeed("UNIRUST_CLUSTER_SEEDS", [&](Dice& dice) {
    const size_t parts = 2 + dice.Below(4);
    Build(parts, dice);
    Start(RandomOntology(dice));
    for (size_t batches = 10; batches > 0 && !HasFailure(); --batches) Apply(RandomBatch(dice));
    MoveAtRandom(dice);
    const View whole = engine_->Read();
    gone_ = 1 + dice.Below(parts - 1);
    cluster_->SetReachable(gone_, false);
    const size_t slots = engine_->GetSlots().placement->map.SlotsOf(gone_);
    const View partial = engine_->ReadPartial();
    ASSERT_EQ(partial.missing().size(), 1U);
    EXPECT_EQ(partial.missing()[0].part, gone_);
    EXPECT_EQ(partial.missing()[0].slots, slots);
    EXPECT_THAT(partial.missing()[0].fault, ::testing::HasSubstr("it cannot be reached"));
    CheckRecords(whole, partial, {});
    CheckRecords(whole, partial, {.descriptor = {}, .entity_type = "person", .perspective = {}, .interval = {}});
    for (const auto& [identity, write] : live_) {
      for (const Descriptor& d : write.descriptors) {
        const AttributeValue pair{d.attribute, d.value};
        CheckMatches(whole, partial, pair);
        CheckRecords(whole, partial, {.descriptor = pair, .entity_type = {}, .perspective = {}, .interval = {}});
      }
    }
    const auto listed = [](const View& view) {
      return All([&](size_t size, const std::string& cursor) {
        return view.ListConflicts({}, size, cursor);
      });
    };
    const size_t some = ExpectSome(listed(partial), listed(whole)).size();
    conflicts += some;
    left_out += listed(whole).size() - some;
    CheckWholeReads(whole);
    cluster_->SetReachable(gone_, true);
    EXPECT_TRUE(engine_->ReadPartial().missing().empty());
    EXPECT_EQ(Texts(Records(engine_->ReadPartial(), {})), Texts(Records(whole, {})));
  }, 5);
  EXPECT_GT(conflicts, 0U);
  EXPECT_GT(left_out, 0U);
}

// A part without slots, as one that just joined.
TEST_P(PartialReads, APartThatHasNothingIsNotMissed) {
  Dice dice(1);
  Build(2, dice);
  const Engine::SlotPlan plan = *engine_->PlanSlots({1});
  ASSERT_TRUE(engine_->MoveSlots(plan.version, plan.target).ok());
  while (*engine_->MoveStep()) continue;
  Start(RandomOntology(dice));
  Apply(RandomBatch(dice));
  const auto before = Everything(*engine_);
  cluster_->SetReachable(1, false);
  EXPECT_EQ(Everything(*engine_), before);
  EXPECT_TRUE(engine_->ReadPartial().missing().empty());
}

// --- copies of all parts ---------------------------------------------------------------------------

class Copies : public ClusterHistories {
 protected:
  static bool Never() { return false; }

  void BuildCopied(size_t parts, Dice& dice) {
    options_.backup_dir = "";
    Build(parts, dice);
    // As Build, but with a place for backups.
    engine_.reset();
    options_.backup_dir = cluster_->BackupDir(0);
    options_.backup_keep = 2;
    Open(Life::kForever);
  }

  // Writes that come while the parts are copied, one part after the other and each at its own time.
  void WriteMeanwhile(Dice& dice) {
    cluster_->SetCopying([this, &dice] {
      MutexLock lock(copying_);
      for (size_t n = dice.Below(3); n > 0; --n) {
        const std::vector<Write> batch = RandomBatch(dice);
        const auto written = engine_->Ingest(batch);
        EXPECT_TRUE(written.ok()) << written.status();
        Note(batch);
      }
      if (!dice.OneIn(3)) return;
      const absl::Status status = Move(dice);
      EXPECT_TRUE(status.ok()) << status;
    });
  }

  // Each part as `restore(part, directory)` makes it; the store that was copied is closed.
  void OpenCopies(size_t parts, const std::function<void(size_t, const std::string&)>& restore) {
    engine_.reset();
    cluster_->CloseParts();
    for (size_t part = 0; part < parts; ++part) {
      std::filesystem::remove_all(cluster_->Dir(part));
      restore(part, cluster_->Dir(part));
    }
    cluster_->SetCopying([] {});
    Open(Life::kForever);
  }

  Mutex copying_;
};

TEST_P(Copies, ABackupOfAllPartsIsOneState) {
  ForEachSeed("UNIRUST_CLUSTER_SEEDS", [&](Dice& dice) {
    const size_t parts = 1 + dice.Below(4);
    BuildCopied(parts, dice);
    Start(RandomOntology(dice));
    BackupInfo backup;
    for (size_t round = 1 + dice.Below(4); round > 0; --round) {
      for (size_t batches = dice.Below(5); batches > 0; --batches) Apply(RandomBatch(dice));
      WriteMeanwhile(dice);
      const auto made = engine_->Backup(Never);
      ASSERT_TRUE(made.ok()) << made.status();
      backup = *made;
      cluster_->SetCopying([] {});
    }
    EXPECT_EQ(backup.parts.size(), parts - 1);
    const std::map<Identity, Write> then = live_;
    for (size_t batches = dice.Below(100); batches > 0; --batches) Apply(RandomBatch(dice));
    ExpectFresh(dice);  // the outbox, which had been kept for the backup, does no harm
    live_ = then;
    OpenCopies(parts, [&](size_t part, const std::string& dir) {
      const uint32_t id = part == 0 ? backup.id : backup.parts[part - 1].id;
      const auto restored = RestoreBackup(cluster_->BackupDir(part), id, dir);
      ASSERT_TRUE(restored.ok()) << restored.status();
      EXPECT_LE(ListBackups(cluster_->BackupDir(part))->size(), 3U) << "two, and one that was named";
    });
    ExpectFresh(dice);
    Apply(RandomBatch(dice));
    ExpectFresh(dice);
  }, 4);
}

TEST_P(Copies, ACheckpointOfAllPartsIsOneState) {
  ForEachSeed("UNIRUST_CLUSTER_SEEDS", [&](Dice& dice) {
    const size_t parts = 2 + dice.Below(3);
    BuildCopied(parts, dice);
    Start(RandomOntology(dice));
    for (size_t batches = 5; batches > 0; --batches) Apply(RandomBatch(dice));
    WriteMeanwhile(dice);
    const auto paths = engine_->Checkpoint("monday");
    ASSERT_TRUE(paths.ok()) << paths.status();
    cluster_->SetCopying([] {});
    const std::map<Identity, Write> then = live_;
    for (size_t batches = 5; batches > 0; --batches) Apply(RandomBatch(dice));
    live_ = then;
    OpenCopies(parts, [&](size_t part, const std::string& dir) {
      EXPECT_EQ((*paths)[part], cluster_->BackupDir(part) + "/monday");
      std::filesystem::rename((*paths)[part], dir);
    });
    ExpectFresh(dice);
  }, 3);
}

// What was copied before belongs to the old ontology, and home to the new one.
TEST_P(Copies, AChangeOfOntologyMeanwhileEndsABackup) {
  Dice dice(1);
  BuildCopied(3, dice);
  Start(RandomOntology(dice));
  Apply(RandomBatch(dice));
  ASSERT_TRUE(engine_->Backup(Never).ok());
  std::atomic<size_t> calls = 0;
  cluster_->SetCopying([&] {
    if (++calls == 2) Start(RandomOntology(dice));
  });
  EXPECT_TRUE(absl::IsUnavailable(engine_->Backup(Never).status()));
  EXPECT_EQ(ListBackups(cluster_->BackupDir(0))->size(), 1U);
  cluster_->SetCopying([] {});
  const auto made = engine_->Backup(Never);
  ASSERT_TRUE(made.ok()) << made.status();
  // What the failed one left in the parts is gone.
  EXPECT_EQ(ListBackups(cluster_->BackupDir(1))->size(), 2U);
  EXPECT_EQ(ListBackups(cluster_->BackupDir(0))->front().parts[0].id, 1U);
}

TEST_P(Copies, ABackupEndsWithItsParts) {
  Dice dice(1);
  BuildCopied(3, dice);
  Start(RandomOntology(dice));
  Apply(RandomBatch(dice));
  cluster_->SetReachable(2, false);
  const absl::Status status = engine_->Backup(Never).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("part 2 of the store"));
  EXPECT_TRUE(absl::IsNotFound(ListBackups(cluster_->BackupDir(0)).status()));
  EXPECT_TRUE(absl::IsUnavailable(engine_->Checkpoint("a").status()));
  cluster_->SetReachable(2, true);
  EXPECT_TRUE(engine_->Checkpoint("a").ok()) << "the half one is none";
  EXPECT_TRUE(absl::IsAlreadyExists(engine_->Checkpoint("a").status()));
  EXPECT_TRUE(absl::IsCancelled(engine_->Backup([] { return true; }).status()));
  ExpectFresh(dice);
}

// Whatever a purge removes is not kept for a backup.
TEST_P(Copies, APurgeDoesNotComeBetween) {
  Dice dice(1);
  BuildCopied(2, dice);
  Start(RandomOntology(dice));
  Apply(RandomBatch(dice));
  absl::Status purged;
  cluster_->SetCopying([&] { purged = engine_->Purge(Never); });
  EXPECT_TRUE(engine_->Backup(Never).ok());
  EXPECT_TRUE(absl::IsUnavailable(purged)) << purged;
  cluster_->SetCopying([] {});
  EXPECT_TRUE(engine_->Purge(Never).ok());
}

INSTANTIATE_TEST_SUITE_P(Parts, Copies, ::testing::Values(Reach::kHere, Reach::kConnected),
                         [](const auto& one) {
                           return one.param == Reach::kHere ? "Here" : "Connected";
                         });
INSTANTIATE_TEST_SUITE_P(Parts, PartialReads,
                         ::testing::Values(Reach::kHere, Reach::kConnected),
                         [](const auto& one) {
                           return one.param == Reach::kHere ? "Here" : "Connected";
                         });
INSTANTIATE_TEST_SUITE_P(Parts, ClusterHistories,
                         ::testing::Values(Reach::kHere, Reach::kConnected),
                         [](const auto& one) {
                           return one.param == Reach::kHere ? "Here" : "Connected";
                         });

}  // namespace
}  // namespace unirust::shard
