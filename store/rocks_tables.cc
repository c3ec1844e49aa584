#include "store/rocks_tables.h"

#include <algorithm>
#include <string>
#include <utility>

namespace unirust::store {
namespace {

namespace rdb = rocksdb;

// What filters and index take of a file of small rows, at most.
uint64_t PartitionBytes(uint64_t file_size) { return file_size / 8; }

rdb::BlockBasedTableOptions With(rdb::BlockBasedTableOptions options, rdb::PinningTier partitions) {
  options.metadata_cache_options.partition_pinning = partitions;
  return options;
}

class PinningTableFactory : public rdb::TableFactory {
 public:
  PinningTableFactory(const rdb::BlockBasedTableOptions& options,
                      std::shared_ptr<PinnedPartitions> pinned)
      : pinned_(std::move(pinned)),
        pinning_(rdb::NewBlockBasedTableFactory(With(options, rdb::PinningTier::kAll))),
        usual_(
            rdb::NewBlockBasedTableFactory(With(options, rdb::PinningTier::kFlushedAndSimilar))) {}

  // To RocksDB it is what it wraps: tables of other kinds are not written anew every 30 days, for one.
  const char* Name() const override { return "unirust.pinning_tables"; }
  const rdb::Customizable* Inner() const override { return usual_.get(); }
  bool IsInstanceOf(const std::string& name) const override { return usual_->IsInstanceOf(name); }

  using rdb::TableFactory::NewTableReader;
  rdb::Status NewTableReader(const rdb::ReadOptions& read, const rdb::TableReaderOptions& options,
                             std::unique_ptr<rdb::RandomAccessFileReader>&& file,
                             uint64_t file_size, std::unique_ptr<rdb::TableReader>* reader,
                             bool prefetch) const override {
    const rdb::TableFactory& factory = pinned_->Begin(file_size) ? *pinning_ : *usual_;
    const rdb::Status status =
        factory.NewTableReader(read, options, std::move(file), file_size, reader, prefetch);
    pinned_->Ended(file_size);
    return status;
  }

  rdb::TableBuilder* NewTableBuilder(const rdb::TableBuilderOptions& options,
                                     rdb::WritableFileWriter* file) const override {
    return usual_->NewTableBuilder(options, file);
  }

  bool IsDeleteRangeSupported() const override { return usual_->IsDeleteRangeSupported(); }

  rdb::Status ValidateOptions(const rdb::DBOptions& db,
                              const rdb::ColumnFamilyOptions& family) const override {
    return usual_->ValidateOptions(db, family);
  }

 private:
  const std::shared_ptr<PinnedPartitions> pinned_;
  const std::unique_ptr<rdb::TableFactory> pinning_;
  const std::unique_ptr<rdb::TableFactory> usual_;
};

}  // namespace

void PinnedPartitions::Add(std::shared_ptr<rdb::WriteBufferManager> write_buffers) {
  MutexLock lock(mutex_);
  write_buffers_.push_back(std::move(write_buffers));
}

bool PinnedPartitions::Begin(uint64_t file_size) {
  const uint64_t bytes = PartitionBytes(file_size);
  const uint64_t opening = opening_.fetch_add(bytes) + bytes;
  const uint64_t all = cache_->GetPinnedUsage();
  uint64_t others = 0;
  {
    MutexLock lock(mutex_);
    for (const auto& buffers : write_buffers_) others += buffers->dummy_entries_in_cache_usage();
  }
  const uint64_t pinned = all - std::min(all, others);
  return static_cast<double>(pinned + opening) <
         kShare * static_cast<double>(cache_->GetCapacity());
}

void PinnedPartitions::Ended(uint64_t file_size) { opening_.fetch_sub(PartitionBytes(file_size)); }

std::shared_ptr<rdb::TableFactory> NewPinningTableFactory(
    const rdb::BlockBasedTableOptions& options, std::shared_ptr<PinnedPartitions> pinned) {
  return std::make_shared<PinningTableFactory>(options, std::move(pinned));
}

}  // namespace unirust::store
