#include "store/rocks_tables.h"

#include <string>
#include <utility>

namespace unirust::store {
namespace {

namespace rdb = rocksdb;

// What filters and index take of a file, of small rows.
constexpr double kPartitionsShareMax = 1.0 / 8;

rdb::BlockBasedTableOptions With(rdb::BlockBasedTableOptions options, rdb::PinningTier partitions) {
  options.metadata_cache_options.partition_pinning = partitions;
  return options;
}

class PinningTableFactory : public rdb::TableFactory {
 public:
  explicit PinningTableFactory(const rdb::BlockBasedTableOptions& options)
      : cache_(options.block_cache),
        pinned_(rdb::NewBlockBasedTableFactory(With(options, rdb::PinningTier::kAll))),
        usual_(rdb::NewBlockBasedTableFactory(With(options, rdb::PinningTier::kNone))) {}

  const char* Name() const override { return "unirust.pinning_tables"; }
  const rdb::Customizable* Inner() const override { return usual_.get(); }  // whose options RocksDB looks at

  using rdb::TableFactory::NewTableReader;
  rdb::Status NewTableReader(const rdb::ReadOptions& read, const rdb::TableReaderOptions& options,
                             std::unique_ptr<rdb::RandomAccessFileReader>&& file,
                             uint64_t file_size, std::unique_ptr<rdb::TableReader>* reader,
                             bool prefetch) const override {
    const double pinned = static_cast<double>(cache_->GetPinnedUsage()) +
                          static_cast<double>(file_size) * kPartitionsShareMax;
    const double limit = static_cast<double>(cache_->GetCapacity()) * kPinnedShare;
    const rdb::TableFactory& factory = pinned < limit ? *pinned_ : *usual_;
    return factory.NewTableReader(read, options, std::move(file), file_size, reader, prefetch);
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
  const std::shared_ptr<rdb::Cache> cache_;
  const std::unique_ptr<rdb::TableFactory> pinned_;
  const std::unique_ptr<rdb::TableFactory> usual_;
};

}  // namespace

std::shared_ptr<rdb::TableFactory> NewPinningTableFactory(
    const rdb::BlockBasedTableOptions& options) {
  return std::make_shared<PinningTableFactory>(options);
}

}  // namespace unirust::store
