#include "shard/engine.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/fault_point.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "cluster/cluster_store.h"
#include "cluster/local_part.h"
#include "resolve/verify.h"
#include "shard/backups.h"
#include "shard/committer.h"
#include "shard/erasure_copies.h"
#include "shard/metrics.h"
#include "shard/view_state.h"
#include "store/backup.h"
#include "store/symbols.h"

namespace unirust::shard {
namespace {

constexpr uint32_t kVerifyProbes = 1000;
constexpr uint32_t kOpenProbes = 8;

struct FirstFault : VerifyReport {
  void Fault(std::string_view fault) override {
    if (what.empty()) what = fault;
  }
  void Progress(std::string_view /*check*/, uint64_t /*rows*/) override {}
  std::string what;
};

std::string BackupsBelow(const std::string& root) { return root + "/" + store::kBackupsName; }

// A part of a store answers nothing by itself.
absl::Status CheckWhole(const store::Store& store, const std::string& data_dir) {
  UNIRUST_ASSIGN_OR_RETURN(const auto membership, cluster::MembershipOf(store));
  if (!membership) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "data directory " + data_dir + " is part " + std::to_string(membership->part) +
      " of a store of several: start unirust_shard with --parts for part 0 and with --part for the "
      "others");
}

}  // namespace

struct Engine::Impl {
  explicit Impl(EngineOptions engine_options)
      : options(std::move(engine_options)),
        shares(MemoryShares::Of(options.memory_budget_bytes)) {}

  EngineOptions options;
  const MemoryShares shares;
  std::unique_ptr<store::Store> store;
  cluster::ClusterStore* cluster = nullptr;  // the store, if it has several parts
  std::unique_ptr<store::SymbolJournal> journal;
  std::unique_ptr<interner::Interner> interner;
  Metrics metrics;
  std::unique_ptr<Committer> committer;
  Mutex checkpointing;  // one at a time
  Mutex moving;
  std::string step_fault ABSL_GUARDED_BY(moving);  // of the last step of a move; empty: none
  std::atomic<bool> purging = false;
  std::atomic<uint64_t> backups_made = 0;
  std::atomic<uint64_t> backups_failed = 0;

  absl::Status Probe(uint32_t probes, VerifyReport& report) const;
  absl::Status CheckWritable() const;
  absl::Status CheckParts() const;
  absl::Status CheckBackupDir(const std::string& what) const;
};

absl::Status Engine::Impl::Probe(uint32_t probes, VerifyReport& report) const {
  const Committer::State state = committer->Read();
  return resolve::ProbeRecords({state.reader, &state.config->rules, interner.get()}, probes,
                               report);
}

absl::Status Engine::Impl::CheckWritable() const {
  if (!options.read_only) return absl::OkStatus();
  return absl::FailedPreconditionError("data directory " + options.data_dir +
                                       " is open read-only: nothing can be written");
}

absl::Status Engine::Impl::CheckParts() const {
  if (cluster != nullptr) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the store lies in one directory: start unirust_shard with --parts to give it more");
}

absl::Status Engine::Impl::CheckBackupDir(const std::string& what) const {
  UNIRUST_RETURN_IF_ERROR(CheckWritable());
  return store::MakeBackupDir(options.backup_dir, what);
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() { StopWaiting(); }

void Engine::StopWaiting() { impl_->store->StopWaiting(); }

bool Engine::Exists(const std::string& data_dir) { return store::Store::Exists(data_dir); }

absl::StatusOr<std::unique_ptr<store::Store>> Engine::OpenStore(const EngineOptions& options,
                                                                bool rebuild) {
  return store::Store::Open({.dir = options.data_dir,
                             .shard_id = options.shard_id,
                             .memory_budget_bytes =
                                 MemoryShares::Of(options.memory_budget_bytes).store_bytes,
                             .read_only = options.read_only,
                             .rebuild = rebuild,
                             .block_cache = options.block_cache});
}

absl::StatusOr<std::unique_ptr<Engine::Impl>> Engine::OpenImpl(
    const EngineOptions& options, std::unique_ptr<store::Store> store) {
  auto impl = std::make_unique<Impl>(options);
  impl->store = std::move(store);
  impl->journal = std::make_unique<store::SymbolJournal>(*impl->store);
  impl->interner = std::make_unique<interner::Interner>(*impl->journal);
  impl->committer = std::make_unique<Committer>(*impl->store, *impl->interner, impl->metrics,
                                                impl->shares);
  UNIRUST_RETURN_IF_ERROR(impl->committer->Start());
  return impl;
}

absl::StatusOr<std::unique_ptr<Engine>> Engine::Open(const EngineOptions& options) {
  UNIRUST_ASSIGN_OR_RETURN(auto store, OpenStore(options, /*rebuild=*/false));
  UNIRUST_RETURN_IF_ERROR(CheckWhole(*store, options.data_dir));
  UNIRUST_ASSIGN_OR_RETURN(auto impl, OpenImpl(options, std::move(store)));
  return Probed(std::move(impl));
}

absl::StatusOr<std::unique_ptr<Engine>> Engine::OpenOn(
    std::unique_ptr<cluster::ClusterStore> store, const EngineOptions& options) {
  cluster::ClusterStore* const cluster = store.get();
  UNIRUST_ASSIGN_OR_RETURN(auto impl, OpenImpl(options, std::move(store)));
  impl->cluster = cluster;
  return Probed(std::move(impl));
}

absl::StatusOr<std::unique_ptr<Engine>> Engine::Probed(std::unique_ptr<Impl> impl) {
  FirstFault fault;
  UNIRUST_RETURN_IF_ERROR(impl->Probe(kOpenProbes, fault));
  if (!fault.what.empty()) {
    return absl::DataLossError("data directory " + impl->options.data_dir + " is damaged: " +
                               fault.what +
                               ". `unirust verify --full` tells how much");
  }
  FaultPoint("open.probed");
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

absl::StatusOr<std::unique_ptr<Engine>> Engine::Rebuild(const EngineOptions& options,
                                                        VerifyReport& report) {
  UNIRUST_ASSIGN_OR_RETURN(auto store, OpenStore(options, /*rebuild=*/true));
  UNIRUST_ASSIGN_OR_RETURN(auto impl, OpenImpl(options, std::move(store)));
  UNIRUST_RETURN_IF_ERROR(impl->committer->RebuildDerived(report));
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

absl::StatusOr<std::vector<Assignment>> Engine::Ingest(std::vector<Write> writes) {
  UNIRUST_ASSIGN_OR_RETURN(Ingestion ingestion,
                           Submit(std::move(writes), Lane::kUnary));
  return ingestion.Await();
}

absl::StatusOr<Ingestion> Engine::Submit(std::vector<Write> writes, Lane lane,
                                         std::shared_ptr<void> held) {
  UNIRUST_RETURN_IF_ERROR(impl_->CheckWritable());
  return impl_->committer->Submit(std::move(writes), lane, std::move(held));
}

absl::Status Engine::SetOntology(const ontology::Ontology& ontology) {
  UNIRUST_RETURN_IF_ERROR(impl_->CheckWritable());
  return impl_->committer->SetOntology(ontology);
}

absl::Status Engine::CheckOntology(const ontology::Ontology& ontology) {
  UNIRUST_RETURN_IF_ERROR(impl_->CheckWritable());  // the names of a new ontology become symbols
  return impl_->committer->CheckOntology(ontology);
}

void Engine::SetRecordsMax(uint64_t records) { impl_->committer->SetRecordsMax(records); }

ontology::Ontology Engine::GetOntology() const { return impl_->committer->config()->ontology; }

View Engine::Read() const {
  Committer::State state = impl_->committer->Read();
  return View(std::make_unique<View::State>(std::move(state.config), std::move(state.reader),
                                            *impl_->interner, metrics()));
}

View Engine::ReadPartial() const {
  Committer::State state = impl_->committer->Read();
  return View(std::make_unique<View::State>(std::move(state.config), state.reader.Reachable(),
                                            *impl_->interner, metrics()));
}

absl::Status Engine::Verify(VerifyDepth depth, VerifyReport& report) {
  if (depth == VerifyDepth::kFull) UNIRUST_RETURN_IF_ERROR(impl_->CheckWritable());
  UNIRUST_RETURN_IF_ERROR(FaultIfDamaged(impl_->store->VerifyChecksums(), report));
  UNIRUST_RETURN_IF_ERROR(FaultIfDamaged(impl_->Probe(kVerifyProbes, report), report));
  return depth == VerifyDepth::kFull ? impl_->committer->Verify(report) : absl::OkStatus();
}

absl::StatusOr<RetentionAdvance> Engine::AdvanceRetention(Instant now,
                                                          const std::function<bool()>& stop) {
  UNIRUST_RETURN_IF_ERROR(impl_->CheckWritable());
  return impl_->committer->AdvanceRetention(now, stop);
}

absl::StatusOr<std::vector<bool>> Engine::Erase(std::vector<Identity> records) {
  UNIRUST_RETURN_IF_ERROR(impl_->CheckWritable());
  return impl_->committer->Erase(std::move(records));
}

absl::Status Engine::Purge(const std::function<bool()>& stop) {
  UNIRUST_RETURN_IF_ERROR(impl_->CheckWritable());
  if (impl_->purging.exchange(true)) return absl::UnavailableError("another purge is under way");
  const uint64_t started_micros = SteadyClockMicros();
  const std::string& root = impl_->options.backup_dir;
  absl::Status status =
      root.empty() ? absl::OkStatus() : store::RemoveHalfBackups(BackupsBelow(root));
  if (status.ok() && impl_->cluster != nullptr && !root.empty()) {
    status = impl_->cluster->DropUnnamedBackups(BackupsBelow(root));
  }
  if (status.ok()) status = impl_->committer->Purge(stop);
  impl_->purging = false;
  UNIRUST_RETURN_IF_ERROR(status);
  Log(LogLevel::kInfo, "purged: all files are new",
      {{"took_ms", (SteadyClockMicros() - started_micros) / 1000}});
  return absl::OkStatus();
}

bool Engine::IsPurging() const { return impl_->purging; }

absl::StatusOr<Erasures> Engine::ErasuresInStore() const {
  return impl_->store->Latest().ReadErasures();
}

absl::StatusOr<ErasureStatus> Engine::GetErasures() const {
  const store::Reader reader = impl_->store->Latest();
  UNIRUST_ASSIGN_OR_RETURN(const Erasures erasures, reader.ReadErasures());
  UNIRUST_ASSIGN_OR_RETURN(std::string identity, reader.ReadIdentity());
  return StatusOf(erasures, {.identity = std::move(identity),
                             .shard_id = impl_->options.shard_id,
                             .backup_dir = impl_->options.backup_dir});
}

absl::Status Engine::Reset() {
  UNIRUST_RETURN_IF_ERROR(impl_->CheckWritable());
  if (!impl_->options.allow_reset) {
    return absl::FailedPreconditionError(
        "reset deletes all data and is refused: start the daemon with --allow-reset to permit it");
  }
  return impl_->committer->Reset();
}

absl::StatusOr<std::vector<std::string>> Engine::Checkpoint(std::string_view wanted) {
  const std::string& root = impl_->options.backup_dir;
  UNIRUST_RETURN_IF_ERROR(impl_->CheckBackupDir("checkpoints"));
  if (!wanted.empty() && !store::IsCheckpointName(wanted)) {
    return absl::InvalidArgumentError("path: '" + std::string(wanted) +
                                      "' is not a checkpoint name: [A-Za-z0-9._-]{1,64} is needed");
  }
  MutexLock lock(impl_->checkpointing);
  std::string name(wanted);
  struct stat info {};
  for (uint64_t n = WallClockMicros(); name.empty(); ++n) {
    name = "checkpoint-" + std::to_string(n);
    if (stat((root + "/" + name).c_str(), &info) == 0) name.clear();
  }
  const std::string dir = root + "/" + name;
  if (stat(dir.c_str(), &info) == 0) {
    return absl::AlreadyExistsError("checkpoint " + name + " exists");
  }
  if (impl_->cluster != nullptr) return impl_->cluster->CheckpointParts(dir);
  UNIRUST_RETURN_IF_ERROR(impl_->store->Checkpoint(dir));
  return std::vector<std::string>{dir};
}

absl::StatusOr<BackupInfo> Engine::Backup(const std::function<bool()>& stop) {
  UNIRUST_RETURN_IF_ERROR(impl_->CheckBackupDir("backups"));
  const uint64_t started_micros = SteadyClockMicros();
  absl::StatusOr<BackupInfo> made = impl_->store->Backup(
      {.dir = BackupsBelow(impl_->options.backup_dir), .keep = impl_->options.backup_keep}, stop);
  ++(made.ok() ? impl_->backups_made : impl_->backups_failed);
  if (made.ok()) {
    Log(LogLevel::kInfo,
        "backup " + std::to_string(made->id) + " below " + impl_->options.backup_dir + ": " +
            std::to_string(made->commits) + " commits, " + std::to_string(made->bytes) +
            " bytes, took " +
            std::to_string((SteadyClockMicros() - started_micros) / 1000) + " ms");
  }
  return made;
}

std::vector<PartStatus> Engine::GetParts() const { return impl_->store->Parts(); }

absl::Status Engine::AddPart(cluster::Part& part) {
  UNIRUST_RETURN_IF_ERROR(impl_->CheckParts());
  return impl_->committer->InTurn([&] { return impl_->cluster->AddPart(part); });
}

// --- moving slots --------------------------------------------------------------------------------------

Engine::Slots Engine::GetSlots() const {
  if (impl_->cluster == nullptr) return {};
  MutexLock lock(impl_->moving);
  return {.placement = impl_->cluster->placement(), .step_fault = impl_->step_fault};
}

absl::StatusOr<Engine::SlotPlan> Engine::PlanSlots(const std::vector<uint32_t>& drained) const {
  UNIRUST_RETURN_IF_ERROR(impl_->CheckParts());
  const std::shared_ptr<const cluster::Placement> now = impl_->cluster->placement();
  UNIRUST_ASSIGN_OR_RETURN(const cluster::SlotMap target,
                           cluster::Balanced(now->Coming(), impl_->cluster->parts(), drained));
  return SlotPlan{.version = now->version, .now = now->map, .target = target};
}

absl::Status Engine::MoveSlots(uint64_t version, const cluster::SlotMap& target) {
  UNIRUST_RETURN_IF_ERROR(impl_->CheckParts());
  return impl_->committer->InTurn(
      [&] { return impl_->cluster->SetTarget(version, target); });
}

absl::Status Engine::CancelMoves() {
  UNIRUST_RETURN_IF_ERROR(impl_->CheckParts());
  return impl_->committer->InTurn([&] {
    const std::shared_ptr<const cluster::Placement> now = impl_->cluster->placement();
    return impl_->cluster->SetTarget(now->version, now->map);
  });
}

absl::StatusOr<bool> Engine::MoveStep() {
  using NextStep = cluster::ClusterStore::NextStep;
  cluster::ClusterStore* const cluster = impl_->cluster;
  if (cluster == nullptr) return false;
  const NextStep next = cluster->NextMoveStep();
  absl::Status status;
  if (next == NextStep::kCompare) status = cluster->CompareCopies();
  if (next == NextStep::kStep) {
    status = impl_->committer->InTurn([&] { return cluster->MoveStep(); });
  }
  {
    MutexLock lock(impl_->moving);
    impl_->step_fault = std::string(status.message());
  }
  UNIRUST_RETURN_IF_ERROR(status);
  return next != NextStep::kNone;
}

StorageMetrics Engine::GetStorageMetrics() const {
  StorageMetrics out = impl_->store->Metrics();
  out.backups_made = impl_->backups_made;
  out.backups_failed = impl_->backups_failed;
  return out;
}

uint64_t Engine::QueuedRecords() const { return impl_->committer->QueuedRecords(); }
uint64_t Engine::QueuedBytes(Lane lane) const { return impl_->committer->QueuedBytes(lane); }
const MemoryShares& Engine::memory_shares() const { return impl_->shares; }

Metrics& Engine::metrics() const { return impl_->metrics; }

uint32_t Engine::shard_id() const { return impl_->options.shard_id; }

}  // namespace unirust::shard
