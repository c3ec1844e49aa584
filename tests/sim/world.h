// A store of several parts, its home, the clients and the operators of it in one process, all of
// which depends on a seed.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cluster/cluster_store.h"
#include "shard/engine.h"
#include "shard/slot_mover.h"
#include "tests/resolve/random_histories.h"
#include "tests/sim/sim_part.h"

namespace unirust::sim {

// The process of home: its store, which may be dead or not open yet.
struct HomeProcess {
  std::shared_ptr<Process> process = std::make_shared<Process>();
  std::vector<std::unique_ptr<SimPart>> parts;
  size_t joined = 0;  // of them, by number
  std::unique_ptr<shard::Engine> engine;
  std::unique_ptr<shard::SlotMover> mover;
};

class World {
 public:
  explicit World(uint64_t seed);
  ~World();

  // Writers, a reader, an operator and what kills processes, for a while; then everything is
  // mended, and what the store answers must be what one that never saw a fault does.
  void Live();

  size_t kills() const { return kills_; }
  size_t acknowledged() const { return acknowledged_; }
  size_t views() const { return views_; }
  size_t moves() const { return moves_; }
  size_t purges() const { return purges_; }
  size_t grown() const { return grown_; }
  size_t shrunk() const { return shrunk_; }
  uint64_t micros() { return scheduler_.Micros(); }

 private:
  using Home = std::shared_ptr<HomeProcess>;

  // Null while home is down.
  Home CurrentHome() const { return home_ != nullptr && home_->process->alive ? home_ : nullptr; }
  Home AwaitHome();
  Home OpenHome();
  void Bury(Home home);
  void StartPart(size_t part);
  void MayCrash(Process& process);

  void Supervise();
  void WriteAsClient(size_t client);
  void SendUntilAcknowledged(const std::vector<Write>& batch);
  void ReadOwn(const Write& write);
  void Read();
  void Operate();
  absl::Status MoveSlots(HomeProcess& home);
  absl::Status Grow(HomeProcess& home);
  void CheckView(const Home& home);
  void Mend();
  void CheckAll();

  SimScheduler scheduler_;
  Dice dice_;
  size_t part_count_;  // without home
  std::vector<uint64_t> down_until_;
  Network network_;
  std::vector<std::unique_ptr<Disk>> disks_;  // home's first
  Home home_;
  bool mended_ = false;
  bool over_ = false;
  size_t writing_ = 0;  // clients that still write

  ontology::Ontology ontology_;
  std::map<Identity, Write> expected_;  // the newest that was acknowledged, by version
  int64_t version_ = 0;
  size_t kills_ = 0;
  size_t acknowledged_ = 0;
  size_t views_ = 0;
  size_t moves_ = 0;
  size_t purges_ = 0;
  size_t grown_ = 0;   // by a part
  size_t shrunk_ = 0;
};

}  // namespace unirust::sim
