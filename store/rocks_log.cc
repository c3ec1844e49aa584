#include "store/rocks_log.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <iterator>

namespace unirust::store {

void LogReplay::Expect(const std::vector<KnownLog>& logs, uint64_t acknowledged) {
  acknowledged_ = acknowledged;
  std::copy_if(logs.begin(), logs.end(), std::back_inserter(with_acknowledged_),
               [&](const KnownLog& log) { return log.first_sequence <= acknowledged; });
}

void LogReplay::BeginLog(uint64_t number) {
  const bool needed = std::any_of(with_acknowledged_.begin(), with_acknowledged_.end(),
                                  [&](const KnownLog& log) { return log.number == number; });
  if (needed && !oldest_) oldest_ = number;
}

// A batch begins with the sequence number of its first row, fixed 64 bits, little-endian (RocksDB's write_batch.cc).
rocksdb::WalFilter::WalProcessingOption LogReplay::LogRecordFound(
    unsigned long long log, const std::string& /*file*/, const rocksdb::WriteBatch& batch,
    rocksdb::WriteBatch* /*new_batch*/, bool* /*batch_changed*/) {
  uint64_t sequence = 0;
  for (size_t i = 8; i-- > 0;) {
    sequence = sequence << 8U | static_cast<unsigned char>(batch.Data()[i]);
  }
  if (next_ && sequence != *next_) return WalProcessingOption::kCorruptedRecord;
  next_ = sequence + batch.Count();
  last_log_ = log;
  return WalProcessingOption::kContinueProcessing;
}

absl::Status LogReplay::Check(const std::string& dir) const {
  if (!oldest_ || (next_ && *next_ > acknowledged_)) return absl::OkStatus();
  const std::string where =
      next_ ? "what follows in " + LogPath(dir, last_log_) + ", or a later log,"
            : LogPath(dir, *oldest_);
  return absl::DataLossError(where + " is damaged or missing: it had acknowledged commits" +
                             kRestoreOrRepair);
}

}  // namespace unirust::store
