// A store of several parts in one process, whose writer can die between any two calls to another part.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster/cluster_store.h"
#include "cluster/local_part.h"
#include "cluster/slot_map.h"
#include "peer/part_service.h"
#include "peer/remote_part.h"
#include "rpc/server.h"
#include "store/store.h"

namespace unirust::cluster {

// How many calls the writer makes until it dies; after the last one its answer is lost.
class Life {
 public:
  static constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
  void Begin(int64_t calls, std::function<void()> died) {
    died_ = std::move(died);
    calls_ = calls;
  }
  bool Ended() const { return calls_ <= 0; }
  void SetReachable(bool reachable) { reachable_ = reachable; }
  bool reachable() const { return reachable_; }
  void SetTakesEpochs(bool takes) { takes_epochs_ = takes; }
  bool TakesEpoch() {
    if (!takes_epochs_) ++refused_epochs_;
    return takes_epochs_;
  }
  uint64_t refused_epochs() const { return refused_epochs_; }
  // What happens meanwhile: called before and after a part is copied, by threads of several parts.
  void SetCopying(std::function<void()> copying) { copying_ = std::move(copying); }
  void Copying() { copying_(); }
  // True if the call is made; `answered` tells whether its answer comes back.
  bool Call(bool* answered) {
    if (!reachable_) return false;
    const int64_t left = calls_ == kForever ? kForever : calls_--;
    *answered = left > 1;
    if (left <= 1) died_();
    return left >= 1;
  }

 private:
  std::atomic<bool> reachable_ = true;
  std::atomic<bool> takes_epochs_ = true;
  std::atomic<uint64_t> refused_epochs_ = 0;
  std::atomic<int64_t> calls_ = kForever;
  std::function<void()> died_ = [] {};
  std::function<void()> copying_ = [] {};
};

// A part as a writer sees it that may die.
class MortalPart final : public Part {
 public:
  MortalPart(Part& part, Life& life) : part_(part), life_(life) {}

  absl::StatusOr<Position> Join(const Membership& membership, EpochId last,
                                Holds holds) override {
    return Ask([&] { return part_.Join(membership, last, holds); });
  }
  absl::Status Apply(const Epoch& epoch) override {
    if (!life_.TakesEpoch()) return absl::UnavailableError("it is busy");
    return Ask([&] { return part_.Apply(epoch); });
  }
  absl::StatusOr<store::Reader> ReadEpoch(uint64_t epoch) override {
    return Ask([&] { return part_.ReadEpoch(epoch); });
  }
  absl::StatusOr<store::Reader> ReadLatest() override {
    return Ask([&] { return part_.ReadLatest(); });
  }
  absl::StatusOr<store::Reader> ReadPending() override {
    return Ask([&] { return part_.ReadPending(); });
  }
  PartStatus GetStatus() override {
    PartStatus out = part_.GetStatus();
    if (!life_.reachable()) out.fault = "it cannot be reached";
    return out;
  }
  absl::Status BeginGeneration(PendingStep step) override {
    return Ask([&] { return part_.BeginGeneration(step); });
  }
  absl::Status CommitPending(PendingStep step, const std::string& rows) override {
    return Ask([&] { return part_.CommitPending(step, rows); });
  }
  absl::Status SealPending(PendingStep step) override {
    return Ask([&] { return part_.SealPending(step); });
  }
  absl::Status DropPending(PendingStep step) override {
    return Ask([&] { return part_.DropPending(step); });
  }
  absl::Status Rewrite(uint64_t epoch, const std::function<bool()>& stop) override {
    if (!rewrites_) return absl::UnavailableError("it is busy");
    return Ask([&] { return part_.Rewrite(epoch, stop); });
  }
  absl::StatusOr<uint32_t> Backup(const std::function<bool()>& stop) override {
    life_.Copying();
    absl::StatusOr<uint32_t> out = Ask([&] { return part_.Backup(stop); });
    life_.Copying();
    return out;
  }
  absl::StatusOr<std::string> Checkpoint(const std::string& name) override {
    life_.Copying();
    return Ask([&] { return part_.Checkpoint(name); });
  }
  absl::Status DropCopies(const UnwantedCopies& unwanted) override {
    return Ask([&] { return part_.DropCopies(unwanted); });
  }
  void SetRewrites(bool rewrites) { rewrites_ = rewrites; }
  void SetReachable(bool reachable) { reachable_ = reachable; }

 private:
  template <typename Body>
  auto Ask(const Body& body) -> decltype(body()) {
    bool answered = true;
    if (!reachable_ || !life_.Call(&answered)) return absl::UnavailableError("it cannot be reached");
    auto out = body();
    if (!answered) return absl::UnavailableError("the writer died before it heard");
    return out;
  }

  Part& part_;
  Life& life_;
  std::atomic<bool> rewrites_ = true;
  std::atomic<bool> reachable_ = true;
};

// Whether the other parts are in this process, or behind a connection.
enum class Reach { kHere, kConnected };

class Cluster {
 public:
  Cluster(std::string dir, size_t parts, Reach reach)
      : dir_(std::move(dir)),
        reach_(reach),
        slots_(SlotMap::Even(parts)),
        stores_(parts) {}
  ~Cluster() { CloseParts(); }

  void Assign(uint16_t slot, size_t part) { slots_.Assign(slot, part); }

  // The next opening has so many parts. None must be open.
  void Resize(size_t parts) {
    CloseParts();
    stores_.resize(parts);
  }

  // The part's directory is an empty one. None must be open.
  void Lose(size_t part) {
    CloseParts();
    std::filesystem::remove_all(Dir(part));
  }

  // The store, whose writer lives for so many calls. What had the last one must be gone.
  absl::StatusOr<std::unique_ptr<ClusterStore>> Open(int64_t calls = Life::kForever) {
    life_.Begin(Life::kForever, [] {});
    mortal_.clear();
    servers_.clear();
    parts_.clear();
    std::vector<Part*> others;
    for (size_t i = 0; i < stores_.size(); ++i) {
      if (stores_[i] == nullptr) OpenStore(i);
      if (i != kHome) others.push_back(&Start(i));
    }
    auto out = ClusterStore::Open(std::move(stores_[kHome]), std::move(others), slots_);
    if (out.ok()) {
      ClusterStore* const opened = out->get();
      life_.Begin(calls, [opened] { opened->StopWaiting(); });
    }
    return out;
  }

  // One more, for AddPart; the next opening has it, too.
  Part& NewPart() {
    stores_.emplace_back();
    OpenStore(stores_.size() - 1);
    return Start(stores_.size() - 1);
  }

  bool WriterDied() const { return life_.Ended(); }
  // Whether calls to other parts come through.
  void SetReachable(bool reachable) { life_.SetReachable(reachable); }
  void SetReachable(size_t part, bool reachable) { mortal_[part - 1]->SetReachable(reachable); }
  void SetTakesEpochs(bool takes) { life_.SetTakesEpochs(takes); }
  void SetCopying(std::function<void()> copying) { life_.SetCopying(std::move(copying)); }
  void SetRewrites(size_t part, bool rewrites) { mortal_[part - 1]->SetRewrites(rewrites); }
  uint64_t RefusedEpochs() const { return life_.refused_epochs(); }
  // All processes end; only what is on disk stays.
  void CloseParts() {
    mortal_.clear();
    servers_.clear();
    parts_.clear();
    for (auto& store : stores_) store.reset();
  }
  store::Store& Store(size_t part) { return *stores_[part]; }  // not of home
  std::string Dir(size_t part) const { return dir_ + "-" + std::to_string(part); }
  std::string HomeDir() const { return Dir(kHome); }
  std::string BackupDir(size_t part) const { return Dir(part) + ".backups"; }

 private:
  struct Served {
    explicit Served(LocalPart& part)
        : service(part),
          server(rpc::Server::Start("", service).value()),
          client(server->InProcessChannel(), "the test") {}
    peer::PartService service;
    std::unique_ptr<rpc::Server> server;
    peer::RemotePart client;
  };
  void OpenStore(size_t part) {
    stores_[part] = store::Store::Open({.dir = Dir(part),
                                        .shard_id = static_cast<uint32_t>(part),
                                        .memory_budget_bytes = 32U << 20U})
                        .value();
  }
  Part& Start(size_t number) {
    parts_.push_back(LocalPart::Open(*stores_[number], BackupDir(number)).value());
    Part* part = parts_.back().get();
    if (reach_ == Reach::kConnected) part = &Serve(*parts_.back());
    mortal_.push_back(std::make_unique<MortalPart>(*part, life_));
    return *mortal_.back();
  }
  Part& Serve(LocalPart& part) {
    servers_.push_back(std::make_unique<Served>(part));
    return servers_.back()->client;
  }

  const std::string dir_;
  const Reach reach_;
  SlotMap slots_;
  std::vector<std::unique_ptr<store::Store>> stores_;  // by part; home's is the store's while that is open
  Life life_;
  std::vector<std::unique_ptr<LocalPart>> parts_;
  std::vector<std::unique_ptr<Served>> servers_;
  std::vector<std::unique_ptr<MortalPart>> mortal_;
};

}  // namespace unirust::cluster
