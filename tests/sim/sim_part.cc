#include "tests/sim/sim_part.h"

#include "base/status_macros.h"

namespace unirust::sim {
namespace {

using cluster::LocalPart;

absl::Status Unreachable() { return absl::UnavailableError("it cannot be reached"); }

// Rows of a part as long as it is the same process that home began to read from.
class RemoteRows final : public store::Reader::State {
 public:
  RemoteRows(Network& network, store::Reader reader, std::shared_ptr<PartProcess> part,
             std::shared_ptr<Process> home)
      : network_(network),
        reader_(std::move(reader)),
        part_(std::move(part)),
        home_(std::move(home)) {}

  absl::StatusOr<bool> Get(store::Family family, std::string_view key,
                           std::string* value) const override {
    UNIRUST_RETURN_IF_ERROR(Reach());
    return reader_.Get(family, key, value);
  }
  absl::Status MultiGet(store::Family family, std::span<const std::string> keys,
                        store::Reader::RowVisitor row) const override {
    UNIRUST_RETURN_IF_ERROR(Reach());
    return reader_.MultiGet(family, keys, row);
  }
  uint64_t EstimateBytes(store::Family, std::string_view, std::string_view) const override {
    return 0;
  }
  std::unique_ptr<store::Cursor> Scan(store::Family family, std::string lower,
                                      std::string upper) const override {
    const absl::Status status = Reach();
    if (!status.ok()) return cluster::UnreadableState(status).Scan(family, lower, upper);
    return reader_.Scan(family, std::move(lower), std::move(upper));
  }
  std::unique_ptr<store::Cursor> ScanPrefix(store::Family family,
                                            std::string_view prefix) const override {
    const absl::Status status = Reach();
    if (!status.ok()) return cluster::UnreadableState(status).ScanPrefix(family, prefix);
    return reader_.ScanPrefix(family, prefix);
  }
  uint64_t generation() const override { return store::kNoGeneration; }

 private:
  absl::Status Reach() const {
    if (network_.OneIn(20)) network_.Carry();
    const bool lost = network_.OneIn(network_.faults.lost_in * 20);
    return lost || !part_->process->alive || !home_->alive ? Unreachable() : absl::OkStatus();
  }

  Network& network_;
  const store::Reader reader_;
  const std::shared_ptr<PartProcess> part_;
  const std::shared_ptr<Process> home_;
};

}  // namespace

void Network::Later(std::function<void()> body) {
  Thread later("later", [this, body = std::move(body)] {
    scheduler_.Sleep(scheduler_.Below(300'000));
    body();
  });
  later_.push_back(std::move(later));
}

void Network::AwaitAll() {
  while (!later_.empty()) std::exchange(later_, {}).clear();
}

template <typename Result>
Result SimPart::Ask(const std::function<Result(PartProcess&)>& call, Again again) {
  if (!home_->alive) return Unreachable();
  network_.Carry();
  const std::shared_ptr<PartProcess> part = network_.At(number_);
  if (network_.OneIn(network_.faults.lost_in) || part == nullptr) {
    network_.Carry();
    return Unreachable();
  }
  if (again == Again::kPerhaps && network_.OneIn(network_.faults.doubled_in)) {
    network_.Later([part, call] {
      if (part->process->alive) (void)call(*part);  // a connection does not outlive it
    });
  }
  Result out = call(*part);
  network_.Carry();
  const bool lost = network_.OneIn(network_.faults.lost_in);
  return lost || !part->process->alive || !home_->alive ? Result(Unreachable()) : out;
}

// As PartService does.
absl::Status SimPart::Write(const std::function<absl::Status(LocalPart&)>& call) {
  return Ask<absl::Status>(
      [session = session_, call](PartProcess& process) {
        MutexLock lock(process.writing);
        UNIRUST_RETURN_IF_ERROR(process.part->CheckSession(session));
        return call(*process.part);
      },
      Again::kPerhaps);
}

absl::StatusOr<store::Reader> SimPart::Read(
    const std::function<absl::StatusOr<store::Reader>(LocalPart&)>& call) {
  std::shared_ptr<PartProcess> answered = network_.At(number_);
  absl::StatusOr<store::Reader> reader = Ask<absl::StatusOr<store::Reader>>(
      [session = session_, call](PartProcess& process) -> absl::StatusOr<store::Reader> {
        UNIRUST_RETURN_IF_ERROR(process.part->CheckSession(session));
        return call(*process.part);
      },
      Again::kNever);
  UNIRUST_RETURN_IF_ERROR(reader.status());
  if (answered == nullptr || answered != network_.At(number_)) return Unreachable();
  return store::Reader(
      std::make_shared<RemoteRows>(network_, *std::move(reader), std::move(answered), home_));
}

absl::StatusOr<cluster::Position> SimPart::Join(const cluster::Membership& membership,
                                                cluster::EpochId last, cluster::Holds holds) {
  session_ = membership.session;
  // A late one is refused, since its caller is gone (peer/part_service.cc).
  return Ask<absl::StatusOr<cluster::Position>>(
      [membership, last, holds](PartProcess& process) {
        MutexLock lock(process.writing);
        return process.part->Join(membership, last, holds);
      },
      Again::kNever);
}

absl::Status SimPart::Apply(const cluster::Epoch& epoch) {
  return Write([epoch](LocalPart& part) { return part.Apply(epoch); });
}
absl::StatusOr<store::Reader> SimPart::ReadEpoch(uint64_t epoch) {
  return Read([epoch](LocalPart& part) { return part.ReadEpoch(epoch); });
}
absl::StatusOr<store::Reader> SimPart::ReadLatest() {
  return Read([](LocalPart& part) { return part.ReadLatest(); });
}
absl::StatusOr<store::Reader> SimPart::ReadPending() {
  return Read([](LocalPart& part) { return part.ReadPending(); });
}
PartStatus SimPart::GetStatus() {
  PartStatus out;
  const std::shared_ptr<PartProcess> part = network_.At(number_);
  if (part != nullptr) return part->part->GetStatus();
  out.fault = "it is down";
  return out;
}
absl::Status SimPart::BeginGeneration(cluster::PendingStep step) {
  return Write([step](LocalPart& part) { return part.BeginGeneration(step); });
}
absl::Status SimPart::CommitPending(cluster::PendingStep step, const std::string& rows) {
  return Write([step, rows](LocalPart& part) { return part.CommitPending(step, rows); });
}
absl::Status SimPart::SealPending(cluster::PendingStep step) {
  return Write([step](LocalPart& part) { return part.SealPending(step); });
}
absl::Status SimPart::DropPending(cluster::PendingStep step) {
  return Write([step](LocalPart& part) { return part.DropPending(step); });
}
absl::Status SimPart::Rewrite(uint64_t epoch, const std::function<bool()>&) {
  return Ask<absl::Status>(
      [session = session_, epoch](PartProcess& process) -> absl::Status {
        UNIRUST_RETURN_IF_ERROR(process.part->CheckSession(session));
        return process.part->Rewrite(epoch, [] { return false; });
      },
      Again::kPerhaps);
}

absl::StatusOr<uint32_t> SimPart::Backup(const std::function<bool()>& stop) {
  return Ask<absl::StatusOr<uint32_t>>(
      [stop](PartProcess& process) { return process.part->Backup(stop); }, Again::kNever);
}
absl::StatusOr<std::string> SimPart::Checkpoint(const std::string& name) {
  return Ask<absl::StatusOr<std::string>>(
      [name](PartProcess& process) { return process.part->Checkpoint(name); }, Again::kNever);
}
absl::Status SimPart::DropCopies(const cluster::UnwantedCopies& unwanted) {
  return Write([unwanted](LocalPart& part) { return part.DropCopies(unwanted); });
}

}  // namespace unirust::sim
