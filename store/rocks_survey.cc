#include "store/rocks_survey.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/files.h"
#include "base/status_macros.h"

namespace unirust::store {
namespace {

namespace rdb = rocksdb;

// A batch begins with the sequence number of its first row, fixed 64 bits, little-endian (RocksDB's
// write_batch.cc).
uint64_t SequenceOf(const rdb::WriteBatch& batch) {
  uint64_t sequence = 0;
  for (size_t i = 8; i-- > 0;) {
    sequence = sequence << 8U | static_cast<unsigned char>(batch.Data()[i]);
  }
  return sequence;
}

// RocksDB's format of logs: blocks of 32 KiB, in which records have a checksum, a length
// (little-endian) and a type (4, 2 and 1 bytes).
constexpr size_t kBlockBytes = 32U << 10U;
constexpr size_t kHeadBytes = 7;

struct Record {
  char type = 0;
  std::string_view payload;
  bool Begins() const { return type == 1 || type == 2; }  // a batch
  bool Ends() const { return type == 1 || type == 4; }
};

uint32_t Crc32c(std::string_view bytes) {
  static const auto kTable = [] {
    std::array<uint32_t, 256> table{};
    for (uint32_t i = 0; i < table.size(); ++i) {
      table[i] = i;
      for (int bit = 0; bit < 8; ++bit) {
        table[i] = table[i] >> 1U ^ ((table[i] & 1U) != 0 ? 0x82f63b78U : 0U);
      }
    }
    return table;
  }();
  uint32_t crc = ~0U;
  for (const char c : bytes) crc = crc >> 8U ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 255U];
  return ~crc;
}

// The record that the rest of a block begins with; none if it is damaged.
std::optional<Record> RecordIn(std::string_view rest) {
  constexpr size_t kTypeAt = 6;
  constexpr uint32_t kMask = 0xa282ead8;
  if (rest.size() < kHeadBytes) return std::nullopt;
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(rest[i])); };
  const size_t length = byte(4) | byte(5) << 8U;
  if (kHeadBytes + length > rest.size()) return std::nullopt;
  const uint32_t stored = byte(0) | byte(1) << 8U | byte(2) << 16U | byte(3) << 24U;
  const uint32_t crc = Crc32c(rest.substr(kTypeAt, 1 + length));
  if (stored != (crc >> 15U | crc << 17U) + kMask) return std::nullopt;
  return Record{.type = rest[kTypeAt], .payload = rest.substr(kHeadBytes, length)};
}

// The keys that a batch puts into one family.
class PutKeys : public rdb::WriteBatch::Handler {
 public:
  PutKeys(uint32_t family, std::set<std::string>* keys) : family_(family), keys_(keys) {}

  rdb::Status PutCF(uint32_t family, const rdb::Slice& key, const rdb::Slice&) override {
    if (family == family_) keys_->insert(key.ToString());
    return rdb::Status::OK();
  }
  rdb::Status DeleteCF(uint32_t, const rdb::Slice&) override { return rdb::Status::OK(); }
  rdb::Status DeleteRangeCF(uint32_t, const rdb::Slice&, const rdb::Slice&) override {
    return rdb::Status::OK();
  }

 private:
  const uint32_t family_;
  std::set<std::string>* const keys_;
};

}  // namespace

void LogSurvey::ColumnFamilyLogNumberMap(const std::map<uint32_t, uint64_t>& logs_of_families,
                                         const std::map<std::string, uint32_t>& families) {
  family_ids_ = families;
  for (const auto& [name, id] : families) {
    const auto it = logs_of_families.find(id);
    if (it != logs_of_families.end()) first_logs_[name] = it->second;
  }
}

rdb::WalFilter::WalProcessingOption LogSurvey::LogRecordFound(unsigned long long log,
                                                              const std::string& /*file*/,
                                                              const rdb::WriteBatch& batch,
                                                              rdb::WriteBatch* /*new_batch*/,
                                                              bool* /*batch_changed*/) {
  const uint64_t sequence = SequenceOf(batch);
  if (next_ && sequence != *next_) return WalProcessingOption::kCorruptedRecord;
  next_ = sequence + batch.Count();
  if (at_.log != log) at_ = {.log = log};
  ++at_.batches;
  // An opening that was refused has left one without rows, which says that the damage before it is
  // to be passed over.
  if (batch.Count() == 0) return WalProcessingOption::kContinueProcessing;
  if (logs_.empty() || logs_.back().log != log) logs_.push_back(at_);
  logs_.back() = at_;
  return WalProcessingOption::kContinueProcessing;
}

absl::Status AddPutKeys(const std::string& log, uint64_t from, uint32_t family,
                        std::set<std::string>* keys) {
  UNIRUST_ASSIGN_OR_RETURN(const std::string bytes, ReadWholeFile(log));
  std::string batch;
  bool begun = false;
  for (size_t at = from; at < bytes.size();) {
    const size_t left = std::min(kBlockBytes - at % kBlockBytes, bytes.size() - at);
    const std::optional<Record> record = RecordIn(std::string_view(bytes).substr(at, left));
    at += record ? kHeadBytes + record->payload.size() : left;
    begun = record && (begun || record->Begins());
    if (!begun) continue;
    if (record->Begins()) batch.clear();
    batch += record->payload;
    if (!record->Ends()) continue;
    begun = false;
    PutKeys handler(family, keys);
    (void)rdb::WriteBatch(batch).Iterate(&handler);  // as far as it goes
  }
  return absl::OkStatus();
}

}  // namespace unirust::store
