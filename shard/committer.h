// Turns writes into commits: gathers waiting requests, resolves them in one pass, writes one synced
// batch, answers. While one batch is written the next is resolved, on top of the rows of the first
// that are still in memory. Also re-resolves everything under a new ontology, lets descriptors
// expire, and erases records. The only writer of its store.
//
// Thread-safe. Requests are applied in the order of commit_lanes.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "base/waiting_line.h"
#include "interner/interner.h"
#include "model/answers.h"
#include "model/record.h"
#include "model/verify_report.h"
#include "resolve/resolver.h"
#include "resolve/working_set.h"
#include "shard/commit_lanes.h"
#include "shard/config.h"
#include "shard/engine.h"
#include "shard/memory_shares.h"
#include "shard/metrics.h"
#include "store/store.h"
#include "store/symbols.h"

namespace unirust::shard {

class Committer {
 public:
  // The store, the interner over its symbols and the metrics must outlive the Committer.
  Committer(store::Store& store, interner::Interner& interner, Metrics& metrics,
            const MemoryShares& shares)
      : store_(store),
        interner_(interner),
        metrics_(metrics),
        shares_(shares),
        lanes_(shares.queue_bytes) {}
  ~Committer();  // commits what was accepted, then stops

  // Reads the ontology and the counters, and starts. To be called once, before anything else.
  absl::Status Start();

  // See Engine.
  absl::StatusOr<Ingestion> Submit(std::vector<Write> writes, Lane lane,
                                   std::shared_ptr<void> held);
  void SetRecordsMax(uint64_t records) { records_max_ = records; }
  absl::Status SetOntology(const ontology::Ontology& ontology);
  absl::Status CheckOntology(const ontology::Ontology& ontology);
  absl::Status Verify(VerifyReport& report);
  absl::Status RebuildDerived(VerifyReport& report);
  absl::Status Reset();
  absl::StatusOr<RetentionAdvance> AdvanceRetention(Instant now, const std::function<bool()>& stop);
  absl::StatusOr<std::vector<bool>> Erase(std::vector<Identity> records);
  absl::Status Purge(const std::function<bool()>& stop);  // one at a time
  // Does the work in its turn among the requests, when everything before is on disk and nothing else is written.
  // UNAVAILABLE if a part of the store cannot be reached.
  absl::Status InTurn(std::function<absl::Status()> work);

  // A state of the store and the ontology that it was resolved under.
  struct State {
    std::shared_ptr<const Config> config;
    store::Reader reader;
  };
  State Read() const;
  std::shared_ptr<const Config> config() const;
  uint64_t QueuedRecords() const;  // wait for a commit
  uint64_t QueuedBytes(Lane lane) const;  // of memory, about

 private:
  friend class Ingestion;
  // An advance of retention, which goes by one commit after the other.
  struct Advance {
    Instant now = 0;                       // where it goes
    std::shared_ptr<const Config> config;  // of its first commit; null before
    RetentionAdvance done;
    uint64_t commit_records = 0;  // of the last commit
    bool complete = false;
  };
  // Records that are erased in one commit.
  struct Erasure {
    std::vector<Identity> records;
    std::vector<bool> erased;  // whether each was there
    Erasures after;
  };
  struct Request {
    std::vector<Write> writes;
    std::shared_ptr<void> held;  // until the commit
    Advance* advance = nullptr;  // not null: no writes, but the next commit of that
    Erasure* erasure = nullptr;  // not null: no writes, but that
    std::function<absl::Status()> work;  // not null: no writes, but that
    std::shared_ptr<const Config> checked_under;
    std::vector<Assignment> assignments;
    absl::Status status;
    uint64_t queued_micros = 0;  // when it began to wait
    uint64_t bytes = 0;          // of memory, about
    uint64_t arrival = 0;        // the lanes'
    bool certain = true;         // the quota of records has room for it, whatever comes before it
    bool done = false;  // guarded by queue_mutex_
    CondVar answered;   // of its own: a commit answers few of the many that wait
    size_t records() const { return writes.size(); }
    bool IsAlone() const { return writes.empty() || !certain; }
  };
  void AwaitRoom(uint64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(queue_mutex_);  // of streams
  void Enqueue(Request& request);
  void Await(Request& request);

  // A resolved batch on its way to the store.
  struct Resolved {
    std::shared_ptr<const resolve::WorkingSet> rows;
    store::Batch batch;  // what `rows` does not manage
    std::vector<Request*> requests;
    interner::SymbolId last_symbol;
    uint64_t records = 0;         // of the requests
    uint64_t resolve_micros = 0;  // how long it took
    std::shared_ptr<const resolve::WorkingSet> retired;  // of the batch before: freed by the writer
  };

  void ResolveLoop();
  void WriteLoop();
  void WriteOut(Resolved& resolved);
  std::vector<Request*> Gather();
  absl::Status CheckQuota(const store::CountersRow& counters)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(resolving_);
  void Resolve(std::vector<Request*> requests);
  void Work(Request& request);
  absl::Status ResolveBatch(const std::vector<Request*>& requests, const Config& config,
                            resolve::WorkingSet& rows, store::CountersRow& counters,
                            store::Batch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(resolving_);
  absl::Status ResolveAdvance(Advance& advance, const std::shared_ptr<const Config>& config,
                              resolve::WorkingSet& rows, store::CountersRow& counters,
                              store::Batch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(resolving_);
  absl::Status ResolveErasure(Erasure& erasure, resolve::WorkingSet& rows,
                              store::CountersRow& counters, store::Batch& batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(resolving_);
  int64_t NextErasureMicros() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(resolving_);
  void RetireNames(const std::vector<store::SymbolRow>& unused);
  void HandOver(Resolved resolved);
  void AwaitWritten();  // until everything that was handed over is on disk
  absl::Status AwaitComplete();  // and can be read; UNAVAILABLE if that takes long
  // `status`: of those that have no error of their own.
  void Answer(const std::vector<Request*>& requests, const absl::Status& status);
  absl::Status Apply(Request& request, resolve::WorkingSet& rows, store::Batch& batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(resolving_);
  absl::StatusOr<Assignment> ApplyWrite(Write& write, resolve::WorkingSet& rows,
                                        store::Batch& batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(resolving_);
  absl::Status Assign(Request& request, resolve::WorkingSet& rows,
                      std::vector<store::BlockName>* entities);
  absl::Status SwitchTo(std::shared_ptr<const Config> config, const store::CountersRow& counters,
                        store::Batch batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(resolving_);
  absl::StatusOr<resolve::Rules> CompileRules(const ontology::Ontology& ontology)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(resolving_);
  absl::Status DropPendingAfter(absl::Status why);
  absl::Status WriteIndexesAnew(store::CountersRow* counters, VerifyReport& report);
  absl::Status ResolveAnew(const Config& config, store::CountersRow* counters,
                           VerifyReport* report);  // may be null

  store::Store& store_;
  interner::Interner& interner_;
  Metrics& metrics_;
  const MemoryShares shares_;
  std::atomic<uint64_t> records_max_ = kNoRecordsMax;
  std::atomic<uint64_t> records_ = 0;  // live, as the last commit that was resolved leaves them

  // Held while the next state is made: by the resolving thread for a batch, by SetOntology and Reset for their whole
  // length.
  Mutex resolving_;
  store::CountersRow counters_ ABSL_GUARDED_BY(resolving_);
  std::optional<Instant> retention_ ABSL_GUARDED_BY(resolving_);  // the declared instant
  Erasures erasures_ ABSL_GUARDED_BY(resolving_);
  int64_t purge_micros_ ABSL_GUARDED_BY(resolving_) = 0;  // when the last purge began
  std::shared_ptr<const resolve::WorkingSet> last_rows_ ABSL_GUARDED_BY(resolving_);
  std::shared_ptr<const Config> last_config_ ABSL_GUARDED_BY(resolving_);  // the rules of last_rows_

  mutable Mutex state_;
  mutable CondVar switched_;
  std::shared_ptr<const Config> config_ ABSL_GUARDED_BY(state_);
  uint64_t generation_ ABSL_GUARDED_BY(state_) = 0;  // of the store, that config_ is for
  uint64_t resets_ ABSL_GUARDED_BY(state_) = 0;

  mutable Mutex queue_mutex_;
  CondVar queue_changed_;
  CondVar queue_has_room_;
  CommitLanes<Request> lanes_ ABSL_GUARDED_BY(queue_mutex_);
  WaitingLine line_ ABSL_GUARDED_BY(queue_mutex_);  // of streams that wait for room
  uint64_t unanswered_records_ ABSL_GUARDED_BY(queue_mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(queue_mutex_) = false;

  Mutex write_mutex_;
  CondVar write_changed_;
  std::optional<Resolved> to_write_ ABSL_GUARDED_BY(write_mutex_);  // taken out when it is written
  bool resolved_all_ ABSL_GUARDED_BY(write_mutex_) = false;

  Thread resolver_;
  Thread writer_;
};

// INVALID_ARGUMENT unless every write passes semantics.md, 4.1 under the ontology. The message names position and
// identity.
absl::Status CheckWrites(const std::vector<Write>& writes, const Config& config,
                         interner::Interner& interner);

// Damage found by a verification is a fault, and the rest is verified all the same.
absl::Status FaultIfDamaged(const absl::Status& status, VerifyReport& report);

}  // namespace unirust::shard
