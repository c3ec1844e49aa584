// A part of a simulated store, and how home reaches it: messages are late, lost, or come twice.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/thread.h"
#include "cluster/local_part.h"
#include "cluster/merged_state.h"
#include "tests/sim/sim_scheduler.h"
#include "tests/sim/sim_store.h"

namespace unirust::sim {

// What goes wrong, and how often. One in so many; 0: never.
struct Faults {
  size_t lost_in = 60;     // messages
  size_t doubled_in = 12;  // requests that come again later
  size_t crash_in = 150;   // writes to a disk that are the last one of their process
  size_t slow_in = 25;     // messages that take long
};

// A process that keeps a part.
struct PartProcess {
  PartProcess(Disk& disk, std::function<void(Process&)> written)
      : store(disk, process, [this, hook = std::move(written)] { hook(*process); }),
        part(cluster::LocalPart::Open(store).value()) {}

  const std::shared_ptr<Process> process = std::make_shared<Process>();
  SimStore store;
  const std::unique_ptr<cluster::LocalPart> part;
  Mutex writing;  // as in peer/part_service.h
};

class Network {
 public:
  Network(SimScheduler& scheduler, size_t parts) : faults(), scheduler_(scheduler), parts_(parts) {}

  Faults faults;

  bool OneIn(size_t n) { return n > 0 && scheduler_.Below(n) == 0; }
  // How long a message is on its way.
  void Carry() {
    scheduler_.Sleep(OneIn(faults.slow_in) ? scheduler_.Below(400'000) : scheduler_.Below(3'000));
  }
  // Null if it is down.
  std::shared_ptr<PartProcess> At(size_t part) const {
    const std::shared_ptr<PartProcess>& process = parts_[part];
    return process != nullptr && process->process->alive ? process : nullptr;
  }
  void Set(size_t part, std::shared_ptr<PartProcess> process) { parts_[part] = std::move(process); }
  // Does it some time later.
  void Later(std::function<void()> body);
  void AwaitAll();

 private:
  SimScheduler& scheduler_;
  std::vector<std::shared_ptr<PartProcess>> parts_;
  std::vector<Thread> later_;
};

// As one home process sees a part.
class SimPart final : public cluster::Part {
 public:
  SimPart(Network& network, size_t number, std::shared_ptr<Process> home)
      : network_(network), number_(number), home_(std::move(home)) {}

  absl::StatusOr<cluster::Position> Join(const cluster::Membership& membership,
                                         cluster::EpochId last, cluster::Holds holds) override;
  absl::Status Apply(const cluster::Epoch& epoch) override;
  absl::StatusOr<store::Reader> ReadEpoch(uint64_t epoch) override;
  absl::StatusOr<store::Reader> ReadLatest() override;
  absl::StatusOr<store::Reader> ReadPending() override;
  PartStatus GetStatus() override;
  absl::Status BeginGeneration(cluster::PendingStep step) override;
  absl::Status CommitPending(cluster::PendingStep step, const std::string& rows) override;
  absl::Status SealPending(cluster::PendingStep step) override;
  absl::Status DropPending(cluster::PendingStep step) override;
  absl::Status Rewrite(uint64_t epoch, const std::function<bool()>& stop) override;
  absl::StatusOr<uint32_t> Backup(const std::function<bool()>& stop) override;
  absl::StatusOr<std::string> Checkpoint(const std::string& name) override;
  absl::Status DropCopies(const cluster::UnwantedCopies& unwanted) override;

 private:
  enum class Again { kNever, kPerhaps };
  // To the part and back; `call` may happen again later, or happen and not be heard of.
  template <typename Result>
  Result Ask(const std::function<Result(PartProcess&)>& call, Again again);
  absl::Status Write(const std::function<absl::Status(cluster::LocalPart&)>& call);
  absl::StatusOr<store::Reader> Read(
      const std::function<absl::StatusOr<store::Reader>(cluster::LocalPart&)>& call);

  Network& network_;
  const size_t number_;
  const std::shared_ptr<Process> home_;
  uint64_t session_ = 0;
};

}  // namespace unirust::sim
