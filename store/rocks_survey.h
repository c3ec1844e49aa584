// What the logs of a data directory hold, as far as they can be replayed. Only for the sources of
// store/.
#pragma once

#include <rocksdb/wal_filter.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace unirust::store {

// A place in the logs: behind the first `batches` batches of one.
struct LogPlace {
  uint64_t log = 0;
  uint64_t batches = 0;
  auto operator<=>(const LogPlace&) const = default;
};

// Follows the replay of RocksDB's logs up to the first gap, without an expectation where it should
// begin or end.
class LogSurvey : public rocksdb::WalFilter {
 public:
  const char* Name() const override { return "unirust.log_survey"; }
  void ColumnFamilyLogNumberMap(const std::map<uint32_t, uint64_t>& logs_of_families,
                                const std::map<std::string, uint32_t>& families) override;
  WalProcessingOption LogRecordFound(unsigned long long log, const std::string& file,
                                     const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch* new_batch, bool* batch_changed) override;

  // By the name of a family: rows of earlier logs are all in its tables, and no row of a log from
  // this one on is.
  const std::map<std::string, uint64_t>& first_logs() const { return first_logs_; }
  const std::map<std::string, uint32_t>& family_ids() const { return family_ids_; }
  const std::vector<LogPlace>& logs() const {
    return logs_;
  }  // those with rows, and where these end
  uint64_t next_sequence() const {
    return next_.value_or(0);
  }  // after the last batch; 0: there was none

 private:
  std::map<std::string, uint64_t> first_logs_;
  std::map<std::string, uint32_t> family_ids_;
  std::vector<LogPlace> logs_;
  LogPlace at_;
  std::optional<uint64_t> next_;
};

// The keys that whole batches of a log put into a family, from an offset on, also behind damage:
// blocks of the log that are damaged are passed over. Cost: reads all of the log.
absl::Status AddPutKeys(const std::string& log, uint64_t from, uint32_t family,
                        std::set<std::string>* keys);

}  // namespace unirust::store
