#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/cord.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "store/keys.h"
#include "store/rocks_reader.h"
#include "store/rocks_store.h"
#include "store/rows.h"

namespace unirust::store {
namespace {

namespace rdb = rocksdb;

constexpr char kMissingPayload[] = "unirust/missing";

thread_local uint64_t rows_read = 0;

class RocksCursor : public Cursor {
 public:
  // `filtered`: all keys of the range have one prefix that filters know. Their upper bound must have it too.
  RocksCursor(rdb::DB* db, rdb::ColumnFamilyHandle* family, const rdb::Snapshot* snapshot,
              std::string lower, std::string upper, bool filtered)
      : db_(db),
        family_(family),
        lower_(std::move(lower)),
        upper_(std::move(upper)),
        lower_slice_(lower_),
        upper_slice_(upper_) {
    options_.snapshot = snapshot;
    options_.total_order_seek = !filtered;
    options_.iterate_lower_bound = &lower_slice_;
    if (!upper_.empty()) options_.iterate_upper_bound = &upper_slice_;
    iterator_.reset(db_->NewIterator(options_, family_));
    iterator_->Seek(lower_);
    ++rows_read;
  }
  bool Valid() const override { return iterator_->Valid(); }
  std::string_view key() const override { return View(iterator_->key()); }
  std::string_view value() const override { return View(iterator_->value()); }
  void Next() override {
    ++rows_read;
    iterator_->Next();
  }
  void Seek(std::string_view key) override {
    ++rows_read;
    iterator_->Seek(Slice(std::max(key, std::string_view(lower_))));
  }
  void Prev() override {
    ++rows_read;
    if (!options_.total_order_seek) {
      const std::string here(key());
      IgnoreFilters();
      iterator_->Seek(here);
    }
    iterator_->Prev();
  }
  void SeekToLast() override {
    ++rows_read;
    IgnoreFilters();
    iterator_->SeekToLast();
  }
  absl::Status status() const override { return FromRocks(iterator_->status(), "read"); }

 private:
  // RocksDB 7.8 may miss rows on the way back where it asks filters of prefixes.
  void IgnoreFilters() {
    if (std::exchange(options_.total_order_seek, true)) return;
    iterator_.reset(db_->NewIterator(options_, family_));
  }

  rdb::DB* const db_;
  rdb::ColumnFamilyHandle* const family_;
  std::string lower_;
  std::string upper_;
  rdb::Slice lower_slice_;
  rdb::Slice upper_slice_;
  rdb::ReadOptions options_;
  std::unique_ptr<rdb::Iterator> iterator_;
};

}  // namespace

absl::Status FromRocks(const rdb::Status& status, const std::string& what) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = what + ": " + status.ToString();
  if (status.IsCorruption()) {
    return absl::DataLossError(message +
                               ". Restore a backup; `unirust verify` names the damaged files");
  }
  return absl::InternalError(message);
}

absl::Status Missing(const absl::Status& why) {
  absl::Status out = why;
  out.SetPayload(kMissingPayload, absl::Cord());
  return out;
}

bool IsMissing(const absl::Status& status) {
  return status.GetPayload(kMissingPayload).has_value();
}

uint64_t RowsRead() { return rows_read; }

absl::StatusOr<bool> RocksState::Get(Family family, std::string_view key,
                                     std::string* value) const {
  ++rows_read;
  rdb::ReadOptions options;
  options.snapshot = snapshot_;
  const rdb::Status status = families_->db->Get(options, Of(family), Slice(key), value);
  if (status.IsNotFound()) return false;
  UNIRUST_RETURN_IF_ERROR(FromRocks(status, std::string("read ") + FamilyName(family)));
  return true;
}

absl::Status RocksState::MultiGet(Family family, std::span<const std::string> keys,
                                  Reader::RowVisitor row) const {
  constexpr size_t kAtOnce = 32;  // RocksDB looks up no more in one sweep
  rows_read += keys.size();
  rdb::ReadOptions options;
  options.snapshot = snapshot_;
  std::array<rdb::Slice, kAtOnce> slices;
  std::array<rdb::PinnableSlice, kAtOnce> values;
  std::array<rdb::Status, kAtOnce> statuses;
  for (size_t first = 0; first < keys.size(); first += kAtOnce) {
    const size_t count = std::min(kAtOnce, keys.size() - first);
    for (size_t i = 0; i < count; ++i) slices[i] = Slice(keys[first + i]);
    families_->db->MultiGet(options, Of(family), count, slices.data(), values.data(),
                            statuses.data(), true);
    for (size_t i = 0; i < count; ++i) {
      if (!statuses[i].IsNotFound()) {
        UNIRUST_RETURN_IF_ERROR(
            FromRocks(statuses[i], std::string("read ") + FamilyName(family)));
        row(first + i, View(values[i]));
      }
      values[i].Reset();
    }
  }
  return absl::OkStatus();
}

uint64_t RocksState::EstimateBytes(Family family, std::string_view lower,
                                   std::string_view upper) const {
  const rdb::Range range(Slice(lower), Slice(upper));
  uint64_t bytes = 0;
  rdb::SizeApproximationOptions options;
  options.include_files = true;
  options.include_memtables = true;
  const rdb::Status status =
      families_->db->GetApproximateSizes(options, Of(family), &range, 1, &bytes);
  return status.ok() ? bytes : 0;  // whoever reads the range then sees the error
}

std::unique_ptr<Cursor> RocksState::Scan(Family family, std::string lower,
                                         std::string upper) const {
  return std::make_unique<RocksCursor>(families_->db, Of(family), snapshot_, std::move(lower),
                                       std::move(upper), false);
}

std::unique_ptr<Cursor> RocksState::ScanPrefix(Family family, std::string_view prefix) const {
  const bool filtered = family == Family::kAttributeValues &&
                        AttributeValueKey::PrefixBytes(prefix) == prefix.size();
  // Behind a value comes a level, which is never FF (timed_key.h).
  std::string end = filtered ? std::string(prefix) + '\xFF' : PrefixEnd(prefix);
  return std::make_unique<RocksCursor>(families_->db, Of(family), snapshot_, std::string(prefix),
                                       std::move(end), filtered);
}

absl::StatusOr<std::string> Reader::ReadIdentity() const {
  std::string id;
  UNIRUST_ASSIGN_OR_RETURN(const bool found, Get(Family::kMeta, kStoreKey, &id));
  if (!found) return Damaged(Family::kMeta, kStoreKey);
  return IdentityIn(id);
}

absl::StatusOr<Erasures> Reader::ReadErasures() const {
  std::string bytes;
  ErasuresRow row;
  UNIRUST_ASSIGN_OR_RETURN(const bool found, Get(Family::kMeta, kErasuresKey, &bytes));
  if (found && !ErasuresRow::Decode(bytes, &row)) return Damaged(Family::kMeta, kErasuresKey);
  return row.erasures;
}

absl::StatusOr<Lineage> Reader::ReadLineage() const {
  UNIRUST_ASSIGN_OR_RETURN(const std::string id, ReadIdentity());
  std::string cleared;
  UNIRUST_RETURN_IF_ERROR(Get(Family::kMeta, kClearedKey, &cleared).status());
  AppendBig64(&cleared, state_->generation());
  return Lineage{.store = Hash64(id), .history = Hash64(cleared)};
}

}  // namespace unirust::store
