// Follows the replay of RocksDB's logs and ends it at a gap between two records: a log that is missing, or cut off
// between records, which RocksDB itself does not notice. Only for the sources of store/.
#pragma once

#include <rocksdb/wal_filter.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "store/known_files.h"

namespace unirust::store {

// For one opening; must outlive it. Used by the thread that opens.
class LogReplay : public rocksdb::WalFilter {
 public:
  const char* Name() const override { return "unirust.log_replay"; }

  // Before the opening: the known logs, and the sequence number of the last row that was acknowledged.
  void Expect(const std::vector<KnownLog>& logs, uint64_t acknowledged);

  // RocksDB begins to read a log; those whose rows are all in tables it skips.
  void BeginLog(uint64_t number);
  WalProcessingOption LogRecordFound(unsigned long long log, const std::string& file,
                                     const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch* new_batch, bool* batch_changed) override;

  // After the replay: DATA_LOSS, which names the log in `dir`, if the logs had acknowledged rows and not all of them
  // were replayed.
  absl::Status Check(const std::string& dir) const;

 private:
  std::vector<KnownLog> with_acknowledged_;
  uint64_t acknowledged_ = 0;
  std::optional<uint64_t> oldest_;  // the first log read that had acknowledged rows
  std::optional<uint64_t> next_;    // the sequence number after the last row that was replayed
  uint64_t last_log_ = 0;           // that had it
};

}  // namespace unirust::store
