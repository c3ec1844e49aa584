// What a Reader holds, for the Store that makes it. Only for the sources of store/.
#pragma once

#include <rocksdb/db.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/store.h"

namespace unirust::store {

// DATA_LOSS for corruption, INTERNAL for all other errors, with `what` was attempted.
absl::Status FromRocks(const rocksdb::Status& status, const std::string& what);

inline std::string_view View(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }
inline rocksdb::Slice Slice(std::string_view text) { return {text.data(), text.size()}; }

// The column families of one state; derived ones are of one generation. Handles close when the last reader is gone.
struct Families {
  Families(rocksdb::DB* database) : db(database) {}
  ~Families() {
    for (rocksdb::ColumnFamilyHandle* handle : owned) db->DestroyColumnFamilyHandle(handle);
  }
  Families(const Families&) = delete;
  Families& operator=(const Families&) = delete;

  rocksdb::DB* db;
  uint64_t generation = 0;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> handles{};
  std::vector<rocksdb::ColumnFamilyHandle*> owned;
  std::shared_ptr<Families> base;  // keeps the handles of the families that are not derived
};

class RocksState final : public Reader::State {
 public:
  // `snapshot`: of what is newest at each call if null; released in the end.
  RocksState(std::shared_ptr<Families> families, const rocksdb::Snapshot* snapshot)
      : families_(std::move(families)), snapshot_(snapshot) {}
  ~RocksState() override {
    if (snapshot_ != nullptr) families_->db->ReleaseSnapshot(snapshot_);
  }

  absl::StatusOr<bool> Get(Family family, std::string_view key, std::string* value) const override;
  absl::Status MultiGet(Family family, std::span<const std::string> keys,
                        Reader::RowVisitor row) const override;
  uint64_t EstimateBytes(Family family, std::string_view lower,
                         std::string_view upper) const override;
  std::unique_ptr<Cursor> Scan(Family family, std::string lower, std::string upper) const override;
  std::unique_ptr<Cursor> ScanPrefix(Family family, std::string_view prefix) const override;
  uint64_t generation() const override { return families_->generation; }

 private:
  rocksdb::ColumnFamilyHandle* Of(Family family) const {
    return families_->handles[static_cast<size_t>(family)];
  }

  const std::shared_ptr<Families> families_;
  const rocksdb::Snapshot* const snapshot_;
};

}  // namespace unirust::store
