#include "shard/engine.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "resolve/verify.h"
#include "shard/committer.h"
#include "shard/metrics.h"
#include "shard/view_state.h"
#include "store/symbols.h"

namespace unirust::shard {
namespace {

constexpr size_t kCheckpointNameBytesMax = 64;
constexpr uint32_t kVerifyProbes = 1000;

bool IsCheckpointName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return name.size() <= kCheckpointNameBytesMax && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), allowed);
}

}  // namespace

struct Engine::Impl {
  explicit Impl(EngineOptions engine_options)
      : options(std::move(engine_options)),
        shares(MemoryShares::Of(
            std::max(options.memory_budget_bytes, limits::kMemoryBudgetBytesMin))) {}

  EngineOptions options;
  const MemoryShares shares;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::SymbolJournal> journal;
  std::unique_ptr<interner::Interner> interner;
  Metrics metrics;
  std::unique_ptr<Committer> committer;
  Mutex checkpointing;  // one at a time
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

bool Engine::Exists(const std::string& data_dir) { return store::Store::Exists(data_dir); }

absl::StatusOr<std::unique_ptr<Engine>> Engine::Open(const EngineOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  UNIRUST_ASSIGN_OR_RETURN(
      impl->store, store::Store::Open({.dir = options.data_dir,
                                       .shard_id = options.shard_id,
                                       .memory_budget_bytes = impl->shares.store_bytes}));
  impl->journal = std::make_unique<store::SymbolJournal>(*impl->store);
  impl->interner = std::make_unique<interner::Interner>(*impl->journal);
  impl->committer = std::make_unique<Committer>(*impl->store, *impl->interner, impl->metrics,
                                                impl->shares);
  UNIRUST_RETURN_IF_ERROR(impl->committer->Start());
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

absl::StatusOr<std::vector<Assignment>> Engine::Ingest(std::vector<Write> writes) {
  UNIRUST_ASSIGN_OR_RETURN(Ingestion ingestion,
                           Submit(std::move(writes), IfQueueFull::kRefuse));
  return ingestion.Await();
}

absl::StatusOr<Ingestion> Engine::Submit(std::vector<Write> writes, IfQueueFull if_full) {
  return impl_->committer->Submit(std::move(writes), if_full);
}

absl::Status Engine::SetOntology(const ontology::Ontology& ontology) {
  return impl_->committer->SetOntology(ontology);
}

absl::Status Engine::CheckOntology(const ontology::Ontology& ontology) {
  return impl_->committer->CheckOntology(ontology);
}

ontology::Ontology Engine::GetOntology() const { return impl_->committer->config()->ontology; }

View Engine::Read() const {
  Committer::State state = impl_->committer->Read();
  return View(std::make_unique<View::State>(std::move(state.config), std::move(state.reader),
                                            *impl_->interner));
}

absl::Status Engine::Verify(VerifyDepth depth, VerifyReport& report) {
  UNIRUST_RETURN_IF_ERROR(FaultIfDamaged(impl_->store->VerifyChecksums(), report));
  const Committer::State state = impl_->committer->Read();
  const resolve::ReadContext context{state.reader, &state.config->rules, impl_->interner.get()};
  UNIRUST_RETURN_IF_ERROR(
      FaultIfDamaged(resolve::ProbeRecords(context, kVerifyProbes, report), report));
  return depth == VerifyDepth::kFull ? impl_->committer->Verify(report) : absl::OkStatus();
}

absl::Status Engine::Reset() {
  if (!impl_->options.allow_reset) {
    return absl::FailedPreconditionError(
        "reset deletes all data and is refused: start the daemon with --allow-reset to permit it");
  }
  return impl_->committer->Reset();
}

absl::StatusOr<std::string> Engine::Checkpoint(std::string_view wanted) {
  const std::string& root = impl_->options.backup_dir;
  if (root.empty()) {
    return absl::FailedPreconditionError(
        "checkpoints need a place: start the daemon with --backup-dir");
  }
  if (!IsCheckpointName(wanted)) {
    return absl::InvalidArgumentError("path: '" + std::string(wanted) +
                                      "' is not a checkpoint name: [A-Za-z0-9._-]{1,64} is needed");
  }
  MutexLock lock(impl_->checkpointing);
  if (mkdir(root.c_str(), 0777) != 0 && errno != EEXIST) {
    return absl::FailedPreconditionError("cannot create --backup-dir " + root + ": " +
                                         std::strerror(errno));
  }
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
  UNIRUST_RETURN_IF_ERROR(impl_->store->Checkpoint(dir));
  return dir;
}

StorageMetrics Engine::GetStorageMetrics() const { return impl_->store->Metrics(); }

uint64_t Engine::QueuedRecords() const { return impl_->committer->QueuedRecords(); }
uint64_t Engine::QueuedBytes() const { return impl_->committer->QueuedBytes(); }
const MemoryShares& Engine::memory_shares() const { return impl_->shares; }

Metrics& Engine::metrics() const { return impl_->metrics; }

uint32_t Engine::shard_id() const { return impl_->options.shard_id; }

}  // namespace unirust::shard
