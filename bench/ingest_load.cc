#include "bench/ingest_load.h"

#include <google/protobuf/arena.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "base/mutex.h"
#include "base/thread.h"
#include "proto/records.h"
#include "proto/status.h"

namespace unirust::bench {
namespace {

using Stream = grpc::ClientReaderWriter<proto::IngestRecordsChunk, proto::IngestRecordsResponse>;

// Chunks on their way. The writer waits for room, the reader makes it.
class Window {
 public:
  explicit Window(uint64_t size) : free_(size) {}

  // False after Close: nobody will make room any more.
  bool Take() {
    MutexLock lock(mutex_);
    while (free_ == 0 && !closed_) changed_.Wait(mutex_);
    if (closed_) return false;
    --free_;
    return true;
  }

  void Return() {
    MutexLock lock(mutex_);
    ++free_;
    changed_.NotifyOne();
  }

  void Close() {
    MutexLock lock(mutex_);
    closed_ = true;
    changed_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  uint64_t free_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

void WriteChunks(const workload::Generator& source, const IngestOptions& options, Window* window,
                 Stream* stream) {
  const auto begin = std::chrono::steady_clock::now();
  const uint64_t end = options.first + options.records;
  Write write;
  for (uint64_t next = options.first; next < end;) {
    google::protobuf::Arena arena;
    auto* chunk = google::protobuf::Arena::CreateMessage<proto::IngestRecordsChunk>(&arena);
    const uint64_t stop = std::min(end, next + options.batch);
    for (uint32_t index = 0; next < stop; ++next, ++index) {
      source.Make(next, &write);
      *chunk->add_records() = proto::ToProto(write, index);
    }
    if (options.rate != 0) {
      const std::chrono::duration<double> due(static_cast<double>(stop - options.first) /
                                              static_cast<double>(options.rate));
      std::this_thread::sleep_until(
          begin + std::chrono::duration_cast<std::chrono::steady_clock::duration>(due));
    }
    if (!window->Take() || !stream->Write(*chunk)) break;
  }
  stream->WritesDone();
}

}  // namespace

absl::Status Ingest(proto::RouterService::Stub* router, const workload::Generator& source,
                    const IngestOptions& options, std::atomic<uint64_t>* acknowledged,
                    IngestTimes* times) {
  grpc::ClientContext context;
  const std::unique_ptr<Stream> stream = router->IngestRecordsStream(&context);
  Window window(options.in_flight);
  uint64_t answered = 0;
  {
    Thread writer("load-writer", [&] { WriteChunks(source, options, &window, stream.get()); });
    proto::IngestRecordsResponse answer;
    while (stream->Read(&answer)) {
      times->answered.push_back(std::chrono::steady_clock::now());
      const auto records = static_cast<uint64_t>(answer.assignments_size());
      answered += records;
      acknowledged->fetch_add(records, std::memory_order_relaxed);
      window.Return();
    }
    window.Close();
  }
  const absl::Status status = proto::FromGrpc(stream->Finish());
  if (!status.ok()) return status;
  if (answered != options.records) {
    return absl::InternalError(std::to_string(answered) + " of " + std::to_string(options.records) +
                               " records were answered");
  }
  return absl::OkStatus();
}

}  // namespace unirust::bench
