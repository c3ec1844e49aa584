#include "cluster/cluster_store.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/exit_codes.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "cluster/merged_state.h"

namespace unirust::cluster {
namespace {

using store::Batch;
using store::Family;
using store::Reader;

// --- family outbox: what a part is to write in an epoch -------------------------------------------

std::string OutboxKey(size_t part, uint64_t epoch) {
  std::string out;
  AppendBig32(&out, static_cast<uint32_t>(part));
  AppendBig64(&out, epoch);
  return out;
}

std::string OutboxRow(const Epoch& epoch) {
  std::string out(1, static_cast<char>(epoch.kind));
  return out + epoch.rows;
}

std::optional<Epoch> OutboxEpoch(std::string_view key, std::string_view row) {
  ByteReader in(key);
  in.Big32();
  Epoch out{.number = in.Big64(), .kind = {}, .rows = ""};
  if (!in.done() || row.empty() || row[0] > static_cast<char>(EpochKind::kClear)) return {};
  out.kind = static_cast<EpochKind>(row[0]);
  out.rows = std::string(row.substr(1));
  return out;
}

std::string PartName(size_t part) { return "part " + std::to_string(part) + " of the store"; }

absl::Status InPart(size_t part, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), PartName(part) + ": " + std::string(status.message()));
}

absl::Status OfOneDirectory(const char* what) {
  return absl::UnimplementedError(std::string(what) + " of a store of several parts: not yet");
}

}  // namespace

ClusterStore::ClusterStore(std::unique_ptr<store::Store> home_store,
                           std::unique_ptr<LocalPart> home, size_t home_part,
                           std::vector<Part*> others, const SlotMap& slots)
    : home_store_(std::move(home_store)),
      home_(std::move(home)),
      home_part_(home_part),
      parts_(std::move(others)),
      slots_(slots) {
  parts_.insert(parts_.begin() + static_cast<ptrdiff_t>(home_part), home_.get());
  for (size_t part = 0; part < parts_.size(); ++part) {
    deliveries_.push_back(part == home_part_
                              ? nullptr
                              : std::make_unique<Delivery>(*parts_[part], PartName(part)));
  }
}

ClusterStore::~ClusterStore() = default;

absl::StatusOr<std::unique_ptr<store::Store>> ClusterStore::Open(
    std::unique_ptr<store::Store> home, size_t home_part, std::vector<Part*> others,
    const SlotMap& slots) {
  UNIRUST_ASSIGN_OR_RETURN(auto home_as_part, LocalPart::Open(*home));
  std::unique_ptr<ClusterStore> out(new ClusterStore(std::move(home), std::move(home_as_part),
                                                     home_part, std::move(others), slots));
  UNIRUST_RETURN_IF_ERROR(out->CatchUp());
  // A generation that was complete on some parts, but not switched to.
  UNIRUST_RETURN_IF_ERROR(out->DropPending());
  return out;
}

// --- what an interrupted writer left -----------------------------------------------------------------

absl::Status ClusterStore::CatchUp() {
  Membership membership{.parts = static_cast<uint32_t>(parts_.size()), .part = 0, .store = ""};
  UNIRUST_ASSIGN_OR_RETURN(membership.store, home_store_->Latest().ReadIdentity());
  std::vector<size_t> order(parts_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::erase(order, home_part_);
  order.push_back(home_part_);  // last: until then it may join with others
  for (const size_t part : order) {
    membership.part = static_cast<uint32_t>(part);
    UNIRUST_RETURN_IF_ERROR(InPart(part, parts_[part]->Join(membership)));
  }
  UNIRUST_ASSIGN_OR_RETURN(const uint64_t last, home_->LastEpoch());
  for (size_t part = 0; part < parts_.size(); ++part) {
    if (part == home_part_) continue;
    UNIRUST_RETURN_IF_ERROR(InPart(part, CatchUp(part, last)));
  }
  decided_ = published_ = last;
  return absl::OkStatus();
}

absl::Status ClusterStore::CatchUp(size_t part, uint64_t last) {
  UNIRUST_ASSIGN_OR_RETURN(const uint64_t attempt, parts_[part]->LastAttempt());
  attempt_ = std::max(attempt_, attempt);
  UNIRUST_ASSIGN_OR_RETURN(uint64_t has, parts_[part]->LastEpoch());
  if (has > last) {
    return absl::DataLossError("it has epoch " + std::to_string(has) +
                               ", but the last one of the store is " + std::to_string(last) +
                               ": the home part is older than this one. Restore it");
  }
  const Reader outbox = home_store_->Latest();
  const auto cursor =
      outbox.Scan(Family::kOutbox, OutboxKey(part, 0), OutboxKey(part + 1, 0));
  for (; cursor->Valid(); cursor->Next()) {
    const std::optional<Epoch> epoch = OutboxEpoch(cursor->key(), cursor->value());
    if (!epoch) return store::Damaged(Family::kOutbox, cursor->key());
    delivered_.emplace_back(cursor->key());
    if (epoch->number <= has) continue;
    if (epoch->number != has + 1) break;
    UNIRUST_RETURN_IF_ERROR(parts_[part]->Apply(*epoch));
    ++has;
  }
  UNIRUST_RETURN_IF_ERROR(cursor->status());
  if (has == last) return absl::OkStatus();
  return absl::DataLossError("it lacks epochs from " + std::to_string(has + 1) + " to " +
                             std::to_string(last) + ", which it had: its directory is older than "
                             "the home part's. Restore it");
}

// --- writes ----------------------------------------------------------------------------------------

std::vector<Batch> ClusterStore::Split(Batch batch) const {
  std::vector<Batch> out(parts_.size());
  batch.VisitSorted([&](Family family, std::string_view key, std::string_view value, bool remove) {
    Batch& part = out[PartOf(slots_, home_part_, family, key)];
    if (remove) {
      part.Delete(family, key);
    } else {
      part.Put(family, key, value);
    }
  });
  return out;
}

absl::Status ClusterStore::Publish(EpochKind kind, Batch batch) {
  std::vector<Batch> batches = Split(std::move(batch));
  const uint64_t number = decided_ + 1;
  Batch& own = batches[home_part_];
  for (const std::string& key : std::exchange(delivered_, {})) own.Delete(Family::kOutbox, key);
  std::vector<Epoch> epochs;
  std::vector<std::string> outbox;
  for (size_t part = 0; part < parts_.size(); ++part) {
    Epoch& epoch = epochs.emplace_back(Epoch{.number = number, .kind = kind, .rows = ""});
    if (part == home_part_) continue;
    epoch.rows = batches[part].Encode();
    outbox.push_back(OutboxKey(part, number));
    own.Put(Family::kOutbox, outbox.back(), OutboxRow(epoch));
  }
  UNIRUST_RETURN_IF_ERROR(home_->ApplyBatch(number, kind, std::move(own)));
  decided_ = number;
  for (size_t part = 0; part < parts_.size(); ++part) {
    if (part != home_part_) deliveries_[part]->Send(std::move(epochs[part]));
  }
  bool everywhere = true;
  for (const auto& delivery : deliveries_) {
    if (delivery != nullptr) everywhere = delivery->Await(number) && everywhere;
  }
  if (everywhere) {
    published_ = number;
    delivered_ = std::move(outbox);
  }
  return absl::OkStatus();
}

void ClusterStore::Commit(Batch batch) {
  const absl::Status status = Publish(EpochKind::kRows, std::move(batch));
  if (!status.ok()) Die(kExitStorage, "cannot commit: " + std::string(status.message()));
}

absl::Status ClusterStore::Clear(Batch batch) {
  return Publish(EpochKind::kClear, std::move(batch));
}

template <typename Call>
absl::Status ClusterStore::OnEach(const Call& call) const {
  for (size_t part = 0; part < parts_.size(); ++part) {
    UNIRUST_RETURN_IF_ERROR(InPart(part, call(*parts_[part])));
  }
  return absl::OkStatus();
}

absl::Status ClusterStore::BeginGeneration() {
  ++attempt_;
  return OnEach([&](Part& part) { return part.BeginGeneration(attempt_); });
}

bool ClusterStore::HasPending() const { return home_store_->HasPending(); }

absl::Status ClusterStore::CommitPending(Batch batch) {
  std::vector<Batch> batches = Split(std::move(batch));
  for (size_t part = 0; part < parts_.size(); ++part) {
    if (batches[part].empty()) continue;
    UNIRUST_RETURN_IF_ERROR(
        InPart(part, parts_[part]->CommitPending(attempt_, batches[part].Encode())));
  }
  return absl::OkStatus();
}

absl::Status ClusterStore::SealPending() {
  return OnEach([&](Part& part) { return part.SealPending(attempt_); });
}

absl::Status ClusterStore::DropPending() {
  ++attempt_;  // what comes late of this one finds nothing that it may change
  return OnEach([&](Part& part) { return part.DropPending(attempt_); });
}

// Once home has switched the others must be able to, whatever happens to them.
absl::Status ClusterStore::SwitchGeneration(Batch batch) {
  UNIRUST_RETURN_IF_ERROR(SealPending());
  return Publish(EpochKind::kSwitch, std::move(batch));
}

void ClusterStore::StopWaiting() {
  for (const auto& delivery : deliveries_) {
    if (delivery != nullptr) delivery->StopWaiting();
  }
}

// --- reads -----------------------------------------------------------------------------------------

template <typename Read>
Reader ClusterStore::Merge(const Read& read) const {
  std::vector<Reader> parts;
  for (size_t part = 0; part < parts_.size(); ++part) {
    absl::StatusOr<Reader> reader = read(*parts_[part]);
    if (!reader.ok()) {
      return Reader(std::make_shared<UnreadableState>(InPart(part, reader.status())));
    }
    parts.push_back(*std::move(reader));
  }
  return Reader(std::make_shared<MergedState>(std::move(parts), slots_, home_part_));
}

Reader ClusterStore::Latest() const {
  return Merge([](Part& part) { return part.ReadLatest(); });
}

// The epoch may be forgotten while its parts are asked, if very many come meanwhile.
Reader ClusterStore::Snapshot() const {
  while (true) {
    const uint64_t epoch = published_;
    bool forgotten = false;
    Reader out = Merge([&](Part& part) {
      absl::StatusOr<Reader> reader = part.ReadEpoch(epoch);
      forgotten = forgotten || absl::IsOutOfRange(reader.status());
      return reader;
    });
    if (!forgotten) return out;
    if (epoch != published_) continue;
    // A part was started again with an epoch that another one has not yet.
    return Reader(std::make_shared<UnreadableState>(absl::UnavailableError(
        "the parts of the store are not at one epoch yet: ask again a little later")));
  }
}

Reader ClusterStore::Pending() const {
  return Merge([](Part& part) { return part.ReadPending(); });
}

// --- of single directories ---------------------------------------------------------------------------

absl::Status ClusterStore::Checkpoint(const std::string&) const {
  return OfOneDirectory("a checkpoint");
}

absl::StatusOr<BackupInfo> ClusterStore::Backup(const std::string&, size_t,
                                                const std::function<bool()>&) const {
  return OfOneDirectory("a backup");
}

absl::Status ClusterStore::VerifyChecksums() const { return home_store_->VerifyChecksums(); }

StorageMetrics ClusterStore::Metrics() const { return home_store_->Metrics(); }

}  // namespace unirust::cluster
