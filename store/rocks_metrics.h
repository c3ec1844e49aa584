// Reads RocksDB's figures. Only for the sources of store/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/answers.h"
#include "store/rocks_options.h"
#include "store/rocks_reader.h"

namespace unirust::store {

// Figures that RocksDB keeps anyway: takes its lock for moments only, reads no file but the list of those in `dir`.
// Files are those of `generations`, none of which is null.
StorageMetrics ReadMetrics(rocksdb::DB& db, const RocksOptions& options, const std::string& dir,
                           const std::vector<std::shared_ptr<Families>>& generations);

// Bytes of the write-ahead logs in a directory.
uint64_t LogBytes(const std::string& dir);

}  // namespace unirust::store
