// Requests that are made before the clock runs: messages one behind another in a temporary file, to
// be sent as the bytes that they are, so that a measurement has no generator and no encoder in it.
//
//   UNIRUST_ASSIGN_OR_RETURN(const auto requests, Requests::Create());
//   UNIRUST_RETURN_IF_ERROR(AppendRecords(source, {.first = 0, .records = 1'000'000},
//   requests.get())); RequestReader reader(*requests); while (reader.Next(&bytes).value())
//   Send(bytes);
//
// Not thread-safe.
#pragma once

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/scratch_file.h"
#include "workload/source.h"

namespace unirust::bench {

class Requests {
 public:
  // RESOURCE_EXHAUSTED if the file cannot be, or grow.
  static absl::StatusOr<std::unique_ptr<Requests>> Create();

  absl::Status Append(const google::protobuf::MessageLite& request);
  // What is buffered goes to the disk. Before the first reader.
  absl::Status Finish();

  uint64_t count() const { return count_; }

 private:
  friend class RequestReader;
  absl::Status Flush();
  explicit Requests(std::unique_ptr<ScratchFile> file) : file_(std::move(file)) {}

  const std::unique_ptr<ScratchFile> file_;
  std::string buffer_;
  uint64_t count_ = 0;
};

// Reads them in order, a mebibyte at a time; the buffers that it gives out share these blocks.
class RequestReader {
 public:
  // `requests` is finished and outlives this. `again`: begins anew behind the last one, unless
  // there is none.
  explicit RequestReader(const Requests& requests, bool again = false)
      : requests_(requests), again_(again) {}

  // False behind the last one. INTERNAL if the disk fails.
  absl::StatusOr<bool> Next(grpc::ByteBuffer* bytes);

 private:
  // That the block has so many bytes from where this is, as far as the file goes.
  absl::Status Fill(size_t bytes);
  uint32_t LengthHere() const;

  const Requests& requests_;
  const bool again_;
  grpc::Slice block_;
  size_t at_ = 0;        // in the block
  uint64_t offset_ = 0;  // in the file, of what is behind the block
};

// Which writes, and how many go into a request.
struct RecordsToSend {
  uint64_t first = 0;  // position of the first one
  uint64_t records = 0;
  uint64_t batch = 1000;
};

// Told now and then how many are made; false ends it.
using Made = std::function<bool(uint64_t)>;

// The writes as IngestRecordsRequest, which IngestRecordsChunk is byte for byte. CANCELLED if
// `made` says so.
absl::Status AppendRecords(const workload::Source& source, const RecordsToSend& what,
                           const Made& made, Requests* requests);

enum class QueryKind {
  kDescriptor,  // QueryEntities by a record's first descriptor, its most selective one, over all
                // time
  kEntity,      // GetEntity by a record's name
};

// So many, about random ones of the first `known` writes of the workload "people". INVALID_ARGUMENT if these hold none
// that was written once only.
absl::Status AppendQueries(const workload::Source& source, QueryKind kind, uint64_t known,
                           uint64_t queries, uint64_t seed, Requests* requests);

}  // namespace unirust::bench
