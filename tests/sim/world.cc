#include "tests/sim/world.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <utility>

#include "tests/shard/engine_fixture.h"
#include "tests/shard/findings.h"

namespace unirust::sim {
namespace {

using shard::Engine;
using shard::EngineOptions;
using shard::View;

constexpr size_t kPartsMax = 4;  // without home
constexpr size_t kClients = 2;
constexpr size_t kBatches = 12;  // of each client
constexpr uint64_t kPauseMicros = 40'000;
// Longer than requests wait for a part.
constexpr uint64_t kAwayMicros = 2 * limits::kPartPatienceMs * 1000;

EngineOptions Options() {
  EngineOptions out;
  out.data_dir = "simulated";
  out.memory_budget_bytes = 64U << 20U;
  return out;
}

bool MayFail(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsAborted(status);
}

// A store in one part that nothing ever happens to.
class Fresh {
 public:
  Fresh(const ontology::Ontology& ontology, std::vector<Write> live) {
    auto store = cluster::ClusterStore::Open(
        std::make_unique<SimStore>(disk_, std::make_shared<Process>(), [] {}), {},
        cluster::SlotMap::Even(1));
    engine_ = Engine::OpenOn(*std::move(store), Options()).value();
    EXPECT_TRUE(engine_->SetOntology(ontology).ok());
    EXPECT_TRUE(engine_->Ingest(std::move(live)).ok());
  }
  Engine& engine() { return *engine_; }

 private:
  Disk disk_{"fresh"};
  std::unique_ptr<Engine> engine_;
};

absl::StatusOr<std::vector<Write>> RecordsOf(const View& view) {
  std::vector<Write> out;
  std::string cursor;
  do {
    auto page = view.ScanRecords({}, 0, cursor);
    if (!page.ok()) return page.status();
    for (const RecordView& one : page->items) {
      out.push_back({.identity = one.record.identity,
                     .version = {},
                     .retract = false,
                     .descriptors = one.record.descriptors});
    }
    cursor = page->cursor;
  } while (!cursor.empty());
  return out;
}

}  // namespace

World::World(uint64_t seed)
    : scheduler_(seed),
      dice_(scheduler_.Random()),
      part_count_(dice_.Below(4)),
      down_until_(kPartsMax + 1),
      network_(scheduler_, kPartsMax + 1) {
  if (dice_.OneIn(4)) network_.faults.crash_in = 0;  // then only the supervisor kills
  for (size_t n = 0; n <= kPartsMax; ++n) {
    disks_.push_back(std::make_unique<Disk>("disk " + std::to_string(n)));
  }
  ontology_ = RandomOntology(dice_);
}

World::~World() = default;

// --- processes -----------------------------------------------------------------------------------

void World::MayCrash(Process& process) {
  if (mended_ || !network_.OneIn(network_.faults.crash_in)) return;
  if (process.alive) ++kills_;
  process.alive = false;
}

void World::StartPart(size_t part) {
  network_.Set(part, std::make_shared<PartProcess>(
                         *disks_[part], [this](Process& process) { MayCrash(process); }));
}

World::Home World::OpenHome() {
  auto home = std::make_shared<HomeProcess>();
  auto disk = std::make_unique<SimStore>(*disks_[0], home->process,
                                         [this, process = home->process] { MayCrash(*process); });
  std::vector<cluster::Part*> others;
  const bool shrinks = !mended_ && part_count_ > 0 && dice_.OneIn(6);
  home->joined = part_count_ - (shrinks ? 1 : 0);
  for (size_t part = 1; part <= home->joined; ++part) {
    home->parts.push_back(std::make_unique<SimPart>(network_, part, home->process));
    others.push_back(home->parts.back().get());
  }
  auto store =
      cluster::ClusterStore::Open(std::move(disk), others, cluster::SlotMap::Even(home->joined + 1));
  if (!store.ok()) {
    const bool has_slots = shrinks && absl::IsFailedPrecondition(store.status());
    EXPECT_TRUE(has_slots || MayFail(store.status())) << store.status();
    return nullptr;
  }
  if (shrinks) ++shrunk_;
  part_count_ = home->joined;
  auto engine = Engine::OpenOn(*std::move(store), Options());
  if (!engine.ok()) {
    EXPECT_TRUE(MayFail(engine.status())) << engine.status();
    return nullptr;
  }
  home->engine = *std::move(engine);
  home->mover = std::make_unique<shard::SlotMover>(*home->engine);
  return home;
}

// Its threads come to an end; clients may still hold it.
void World::Bury(Home home) {
  home->process->alive = false;
  home->engine->StopWaiting();
  network_.Later([home = std::move(home)]() mutable { home.reset(); });
}

World::Home World::AwaitHome() {
  while (CurrentHome() == nullptr) scheduler_.Sleep(10'000);
  return home_;
}

// Starts what is down, sooner or later, and kills.
void World::Supervise() {
  while (!over_) {
    scheduler_.Sleep(1 + dice_.Below(kPauseMicros));
    for (size_t part = 1; part <= part_count_; ++part) {
      const bool down = network_.At(part) == nullptr;
      const bool may_start = scheduler_.Micros() >= down_until_[part] && dice_.OneIn(3);
      if (down && (mended_ || may_start)) {
        StartPart(part);
      } else if (!mended_ && !down && dice_.OneIn(60)) {
        network_.At(part)->process->alive = false;
        ++kills_;
        const bool long_away = dice_.OneIn(8);
        down_until_[part] = scheduler_.Micros() + (long_away ? dice_.Below(kAwayMicros) : 0);
      }
    }
    if (home_ != nullptr && !mended_ && dice_.OneIn(60)) {
      home_->process->alive = false;
      ++kills_;
    }
    if (home_ != nullptr && !home_->process->alive) Bury(std::exchange(home_, nullptr));
    if (home_ == nullptr && (mended_ || dice_.OneIn(3))) home_ = OpenHome();
  }
}

// --- clients and operators -----------------------------------------------------------------------

void World::SendUntilAcknowledged(const std::vector<Write>& batch) {
  while (true) {
    const Home home = AwaitHome();
    const absl::Status status = home->engine->Ingest(batch).status();
    if (!home->process->alive) continue;  // the answer never came
    if (status.ok()) break;
    EXPECT_TRUE(MayFail(status)) << status;
    scheduler_.Sleep(dice_.Below(200'000));
  }
  for (const Write& write : batch) expected_[write.identity] = write;
  ++acknowledged_;
}

// What was acknowledged is there for whoever asks after it.
void World::ReadOwn(const Write& write) {
  const Home home = CurrentHome();
  if (home == nullptr) return;
  const auto entity = home->engine->Read().GetEntity(write.identity, std::nullopt);
  if (!home->process->alive || MayFail(entity.status())) return;
  EXPECT_EQ(entity.ok(), !write.retract) << RecordName(write.identity) << ": " << entity.status();
  if (!entity.ok()) return;
  std::vector<Descriptor> written = write.descriptors;
  Normalize(written);
  for (const RecordView& record : entity->records) {
    if (record.record.identity == write.identity) {
      EXPECT_EQ(record.record.descriptors, written);
    }
  }
}

void World::WriteAsClient(size_t client) {
  for (size_t n = 0; n < kBatches && !::testing::Test::HasFailure(); ++n) {
    std::map<Identity, Write> batch;
    for (size_t writes = 1 + dice_.Below(6); writes > 0; --writes) {
      Write write = RandomWrite(dice_, kSparse);
      write.identity.perspective = "client" + std::to_string(client);  // nobody else writes these
      write.version = ++version_;
      batch[write.identity] = write;
    }
    std::vector<Write> writes;
    for (const auto& [identity, write] : batch) writes.push_back(write);
    SendUntilAcknowledged(writes);
    if (dice_.OneIn(3)) ReadOwn(writes[dice_.Below(writes.size())]);
    if (dice_.OneIn(2)) scheduler_.Sleep(dice_.Below(2 * kPauseMicros));
  }
  --writing_;
}

// Every state that is shown is what its own records resolve to.
void World::CheckView(const Home& home) {
  const ontology::Ontology before = home->engine->GetOntology();
  const View view = home->engine->Read();
  const ontology::Ontology after = home->engine->GetOntology();
  const auto whole = [](uint64_t) { return true; };
  const auto digest = view.GetDigest(whole);
  const auto stats = view.GetStats();
  const auto records = RecordsOf(view);
  for (const absl::Status& status : {digest.status(), stats.status(), records.status()}) {
    EXPECT_TRUE(status.ok() || MayFail(status)) << status;
    if (!status.ok()) return;
  }
  if (before != after) return;
  Fresh fresh(before, *records);
  const View expected = fresh.engine().Read();
  EXPECT_EQ(digest->records, records->size());
  EXPECT_EQ(*digest, *expected.GetDigest(whole));
  EXPECT_EQ(stats->records, expected.GetStats()->records);
  EXPECT_EQ(stats->conflicts, expected.GetStats()->conflicts);
  EXPECT_EQ(stats->graph_edges, expected.GetStats()->graph_edges);
  ++views_;
}

void World::Read() {
  while (writing_ > 0 && !::testing::Test::HasFailure()) {
    scheduler_.Sleep(dice_.Below(6 * kPauseMicros));
    if (const Home home = CurrentHome()) CheckView(home);
  }
}

absl::Status World::MoveSlots(HomeProcess& home) {
  Engine& engine = *home.engine;
  EXPECT_EQ(engine.GetSlots().placement->fault, "");  // the next plan would clear it
  if (dice_.OneIn(5)) return engine.CancelMoves();
  std::vector<uint32_t> drained;
  if (dice_.OneIn(3)) drained.push_back(static_cast<uint32_t>(home.joined));
  const Engine::SlotPlan plan = *engine.PlanSlots(drained);
  cluster::SlotMap target = plan.target;
  for (size_t n = drained.empty() ? dice_.Below(600) : 0; n > 0; --n) {
    target.Assign(static_cast<uint16_t>(dice_.Below(limits::kSlots)), dice_.Below(home.joined + 1));
  }
  const absl::Status status = engine.MoveSlots(plan.version, target);
  if (status.ok()) ++moves_;
  return absl::IsFailedPrecondition(status) ? absl::OkStatus() : status;  // it went on meanwhile
}

// By a new part, or one that was left out. The next home has it, whether it joins this one or not.
absl::Status World::Grow(HomeProcess& home) {
  const size_t next = home.joined + 1;
  part_count_ = std::max(part_count_, next);
  home.parts.push_back(std::make_unique<SimPart>(network_, next, home.process));
  const absl::Status status = home.engine->AddPart(*home.parts.back());
  if (status.ok()) {
    home.joined = next;
    ++grown_;
  }
  return status;
}

// Other rules now and then, slots that go elsewhere, parts that come and go, and purges.
void World::Operate() {
  while (writing_ > 0 && !::testing::Test::HasFailure()) {
    scheduler_.Sleep(dice_.Below(4 * kPauseMicros));
    const Home home = CurrentHome();
    if (home == nullptr) continue;
    absl::Status status;
    if (dice_.OneIn(4)) {
      status = home->engine->SetOntology(RandomOntology(dice_));
    } else if (dice_.OneIn(6)) {
      status = home->engine->Purge([&] { return writing_ == 0 || !home->process->alive; });
      if (status.ok()) ++purges_;
      if (absl::IsCancelled(status)) status = absl::OkStatus();
    } else if (home->joined < kPartsMax && dice_.OneIn(6)) {
      status = Grow(*home);
    } else if (home->joined > 0) {
      status = MoveSlots(*home);
    }
    EXPECT_TRUE(status.ok() || MayFail(status) || !home->process->alive) << status;
  }
}

// --- the end -------------------------------------------------------------------------------------

void World::Mend() {
  mended_ = true;
  network_.faults.lost_in = 0;
  while (true) {
    const Home home = AwaitHome();
    const absl::Status status = home->engine->SetOntology(ontology_);
    const Engine::Slots slots = home->engine->GetSlots();
    const bool still =
        !slots.placement->move && slots.step_fault.empty() &&
        slots.placement->map == slots.placement->target;
    if (status.ok() && still && home->process->alive) return;
    scheduler_.Sleep(kPauseMicros);
  }
}

void World::CheckAll() {
  const Home home = AwaitHome();
  EXPECT_EQ(home->engine->GetSlots().placement->fault, "");
  std::vector<Write> live;
  for (const auto& [identity, write] : expected_) {
    if (!write.retract) live.push_back(write);
  }
  dice_.Shuffle(live);
  Fresh fresh(ontology_, live);
  EXPECT_EQ(shard::Everything(*home->engine), shard::Everything(fresh.engine()));
  shard::Findings findings;
  EXPECT_TRUE(home->engine->Verify(Engine::VerifyDepth::kFull, findings).ok());
  EXPECT_THAT(findings.faults, ::testing::IsEmpty());
}

void World::Live() {
  for (size_t part = 1; part <= part_count_; ++part) StartPart(part);
  writing_ = kClients;
  Thread supervisor("supervise", [this] { Supervise(); });
  {
    std::vector<Thread> others;
    for (size_t client = 0; client < kClients; ++client) {
      others.emplace_back("client", [this, client] { WriteAsClient(client); });
    }
    others.emplace_back("read", [this] { Read(); });
    others.emplace_back("operate", [this] { Operate(); });
  }
  Mend();
  if (!::testing::Test::HasFailure()) CheckAll();
  over_ = true;
  supervisor.Join();
  if (home_ != nullptr) Bury(std::exchange(home_, nullptr));
  network_.AwaitAll();
}

}  // namespace unirust::sim
