// All entities behind one, with the rows of their records, for listings of so many that memory holds a part of them
// only. Where entities are says nothing about where their records are. So everything goes through temporary files
// (base/scratch_file.h) once, each time in the order in which it lies:
//   1. the walk: of each entity its name, and the ids of its records into one of some hundred ranges;
//   2. the records, range by range: the rows, to the batch of entities they are for;
//   3. batch by batch, the rows of its entities.
// So a row is fetched once, however little memory there is. The files take as much as the records' rows and some 30
// bytes for each. Memory while they are written: half of the context's `sweep_bytes`; and about a byte for each record,
// for where the rows are. Not thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/scratch_file.h"
#include "resolve/entity_batch.h"

namespace unirust::resolve {

class EntityJoin {
 public:
  // Steps 1 and 2: long, on four threads that give way. `after`: the position() of an EntityWalk to go on behind, or
  // empty. `records_at_once`: of a batch, about. The context must outlive this. CANCELLED soon after `stop` is true;
  // RESOURCE_EXHAUSTED if there is no room for the files; DATA_LOSS where rows do not fit together.
  static absl::StatusOr<std::unique_ptr<EntityJoin>> Make(const ReadContext& context,
                                                          std::string_view after,
                                                          uint64_t records_at_once,
                                                          const std::atomic<bool>& stop);

  // The next entities, as many as fit into the batch, in the order of the walk; none at the end.
  absl::Status Next(EntityBatch* batch);

 private:
  // What step 2 knows of a record.
  struct Place {
    uint32_t record = 0;
    uint32_t batch = 0;
    uint32_t entity = 0;  // of the batch
  };
  // Before each row.
  struct RowHead {
    uint32_t entity = 0;
    uint32_t record = 0;
    uint32_t bytes = 0;
  };
  struct Batch {
    size_t number = 0;  // in the streams, of all batches
    uint64_t records = 0;
    uint32_t entities = 0;
  };
  // What one thread does: in step 1 it walks some slots, in step 2 it reads some ranges.
  struct Share {
    SlotRange slots;
    std::vector<Batch> batches;
    std::unique_ptr<ScratchStreams> ids;    // by range
    std::unique_ptr<ScratchStreams> names;  // by batch
    std::unique_ptr<ScratchStreams> rows;   // by batch, of any share
    absl::Status status;
  };
  // Entities of a batch that are read together.
  struct Part {
    uint32_t first = 0;
    uint32_t last = 0;  // the one behind
  };

  EntityJoin(const ReadContext& context, uint64_t records_at_once, const std::atomic<bool>& stop)
      : context_(context), records_at_once_(records_at_once), stop_(stop) {}

  bool Stopped() const { return stop_ || failed_; }
  // Of all shares.
  absl::Status Begin(std::string_view after);
  absl::Status InParallel(absl::Status (EntityJoin::*step)(size_t share));

  absl::Status TakeEntities(size_t share);
  absl::Status Take(const EntityBatch& few, size_t share);
  absl::Status TakeRecords(size_t share);
  absl::Status AddRow(const Place& place, std::string_view row, Share* share);
  absl::Status Divide(const Batch& batch, size_t bytes_max);
  // Visits the rows of a batch.
  absl::Status ReadRows(const Batch& batch,
                        absl::FunctionRef<void(const RowHead&, std::string_view row)> visit) const;

  const ReadContext& context_;
  const uint64_t records_at_once_;
  const std::atomic<bool>& stop_;
  std::atomic<bool> failed_ = false;
  std::string after_;
  std::vector<Share> shares_;
  size_t share_ = 0;       // whose batches are read
  size_t next_batch_ = 0;  // of these
  std::deque<Part> parts_;  // of the one before, still to be read
};

}  // namespace unirust::resolve
