// Turns writes into commits: gathers waiting requests, resolves them in one pass, writes one synced batch, answers. Also
// re-resolves everything under a new ontology. The only writer of its store.
//
// Thread-safe. Requests are applied in the order of their arrival.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "interner/interner.h"
#include "model/answers.h"
#include "model/record.h"
#include "resolve/resolver.h"
#include "resolve/working_set.h"
#include "shard/config.h"
#include "store/store.h"

namespace unirust::shard {

class Committer {
 public:
  // The store and the interner over its symbols must outlive the Committer.
  Committer(store::Store& store, interner::Interner& interner)
      : store_(store), interner_(interner) {}
  ~Committer();  // commits what was accepted, then stops

  // Reads the ontology and the counters, and starts. To be called once, before anything else.
  absl::Status Start();

  // See Engine.
  absl::StatusOr<std::vector<Assignment>> Ingest(std::vector<Write> writes);
  absl::Status SetOntology(const ontology::Ontology& ontology);
  absl::Status CheckOntology(const ontology::Ontology& ontology);
  absl::Status Reset();

  // A state of the store and the ontology that it was resolved under.
  struct State {
    std::shared_ptr<const Config> config;
    store::Reader reader;
  };
  State Read() const;
  std::shared_ptr<const Config> config() const;

 private:
  struct Request {
    std::vector<Write> writes;
    std::shared_ptr<const Config> checked_under;
    std::vector<Assignment> assignments;
    absl::Status status;
    bool done = false;
  };

  void Loop();
  std::vector<Request*> Gather();
  void Commit(const std::vector<Request*>& requests);
  absl::Status Apply(Request& request, resolve::WorkingSet& rows, store::Batch& batch);
  absl::StatusOr<Assignment> ApplyWrite(const Write& write, resolve::WorkingSet& rows,
                                        store::Batch& batch);
  absl::Status Assign(Request& request, resolve::WorkingSet& rows);
  absl::Status ResolveAnew(const Config& config, store::CountersRow* counters);

  store::Store& store_;
  interner::Interner& interner_;

  // Held while the store is written: by the loop for a commit, by SetOntology and Reset for their whole length.
  Mutex writing_;
  store::CountersRow counters_ ABSL_GUARDED_BY(writing_);

  mutable Mutex state_;  // the ontology and the store's generation change together
  std::shared_ptr<const Config> config_ ABSL_GUARDED_BY(state_);

  Mutex queue_mutex_;
  CondVar queue_changed_;
  CondVar answered_;
  std::deque<Request*> queue_ ABSL_GUARDED_BY(queue_mutex_);
  size_t queued_records_ ABSL_GUARDED_BY(queue_mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(queue_mutex_) = false;
  Thread thread_;
};

// INVALID_ARGUMENT unless every write passes semantics.md, 4.1 under the ontology. The message names position and
// identity.
absl::Status CheckWrites(const std::vector<Write>& writes, const Config& config,
                         interner::Interner& interner);

}  // namespace unirust::shard
