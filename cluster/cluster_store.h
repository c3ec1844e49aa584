// A store whose rows lie in several parts (docs/cluster.md). What works on it cannot tell it from one directory.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cluster/delivery.h"
#include "cluster/local_part.h"
#include "cluster/part.h"
#include "cluster/slot_map.h"
#include "store/store.h"

namespace unirust::cluster {

// All writes of the store go through one ClusterStore, whose home part decides them: an epoch counts as soon as it is
// on disk there, with what the other parts are to write. A write returns when every part has it. For parts that cannot
// be reached it waits: a commit for limits::kPartPatienceMs, what switches or clears until StopWaiting. Then
// CheckComplete tells. Reads of what such a part has fail with UNAVAILABLE.
class ClusterStore final : public store::Store {
 public:
  // `home` is part 0; `others` are 1 and so on, and outlive the store. Brings every part to the last epoch. UNAVAILABLE
  // if one cannot be reached; DATA_LOSS if one lacks epochs that it had, or has some that home has not.
  static absl::StatusOr<std::unique_ptr<store::Store>> Open(std::unique_ptr<store::Store> home,
                                                            std::vector<Part*> others,
                                                            const SlotMap& slots);
  ~ClusterStore() override;

  store::Reader Latest() const override;
  store::Reader Snapshot() const override;  // after the last epoch that every part has
  void Commit(store::Batch batch) override;
  absl::Status CheckComplete() const override;
  absl::Status BeginGeneration() override;
  bool HasPending() const override;
  store::Reader Pending() const override;
  absl::Status CommitPending(store::Batch batch) override;
  absl::StatusOr<uint64_t> SwitchGeneration(store::Batch batch) override;
  absl::Status DropPending() override;
  absl::Status SealPending() override;
  absl::Status Clear(store::Batch batch) override;
  void StopWaiting() override;

  // Of single directories: UNIMPLEMENTED.
  absl::Status Checkpoint(const std::string& dir) const override;
  absl::StatusOr<BackupInfo> Backup(const std::string& dir, size_t keep,
                                           const std::function<bool()>& stop) const override;
  // Of home.
  absl::Status VerifyChecksums() const override;
  StorageMetrics Metrics() const override;
  std::vector<PartStatus> Parts() const override;

 private:
  ClusterStore(std::unique_ptr<store::Store> home_store, std::unique_ptr<LocalPart> home,
               std::vector<Part*> others, const SlotMap& slots);
  absl::Status CatchUp();
  absl::Status CatchUp(size_t part, EpochId has);
  std::vector<store::Batch> Split(store::Batch batch) const;
  absl::Status Publish(EpochKind kind, store::Batch batch);
  void EmptyOutbox(store::Batch* batch, uint64_t published) const;
  uint64_t Published() const;
  template <typename Call>
  absl::Status OnEach(const Call& call) const;
  template <typename Read>
  store::Reader Merge(const Read& read) const;

  const std::unique_ptr<store::Store> home_store_;
  const std::unique_ptr<LocalPart> home_;
  std::vector<Part*> parts_;  // all, by number
  const SlotMap slots_;
  std::vector<std::unique_ptr<Delivery>> deliveries_;  // of all parts but home, by number less one
  std::atomic<uint64_t> returned_ = 0;  // the last epoch that is not waited for any more
  std::atomic<bool> stopping_ = false;
  // The writer's:
  uint64_t attempt_ = 0;           // of the last change of ontology, also by a writer before
  std::vector<uint64_t> outbox_;   // the epochs that have rows there, ascending
};

}  // namespace unirust::cluster
