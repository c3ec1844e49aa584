// Ends the replay of RocksDB's logs at a gap between two records: a log that is missing, or cut off between records,
// which RocksDB itself does not notice. Only for the sources of store/.
#pragma once

#include <rocksdb/wal_filter.h>
#include <rocksdb/write_batch.h>

#include <cstdint>
#include <optional>
#include <string>

namespace unirust::store {

// For one opening; must outlive it.
class LogGaps : public rocksdb::WalFilter {
 public:
  const char* Name() const override { return "unirust.log_gaps"; }

  // A batch begins with the sequence number of its first row, fixed 64 bits, little-endian (RocksDB's write_batch.cc).
  WalProcessingOption LogRecordFound(unsigned long long /*log*/, const std::string& /*file*/,
                                     const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch* /*new_batch*/,
                                     bool* /*batch_changed*/) override {
    uint64_t sequence = 0;
    for (size_t i = 8; i-- > 0;) {
      sequence = sequence << 8U | static_cast<unsigned char>(batch.Data()[i]);
    }
    if (next_ && sequence != *next_) return WalProcessingOption::kCorruptedRecord;
    next_ = sequence + batch.Count();
    return WalProcessingOption::kContinueProcessing;
  }

 private:
  std::optional<uint64_t> next_;
};

}  // namespace unirust::store
