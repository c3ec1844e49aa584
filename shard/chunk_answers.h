// Answers the chunks of an ingest stream in their order while further chunks are read, so that reading, resolving and
// writing overlap. One thread adds; the answers are given on a thread of their own.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "base/mutex.h"
#include "base/thread.h"
#include "shard/audited.h"
#include "shard/engine.h"
#include "shard/quotas.h"

namespace unirust::shard {

struct PendingChunk {
  int number = 0;       // in its stream, from 0
  uint64_t micros = 0;  // when it was read
  std::vector<uint32_t> indexes;  // of its records
  Quotas::Room quota;             // until it is answered
  std::optional<Audited> audited;
  std::optional<Ingestion> ingestion;
};

class ChunkAnswers {
 public:
  // `answer` waits for the chunk's commit and sends its answer; not OK: the stream is over.
  explicit ChunkAnswers(std::function<grpc::Status(PendingChunk&)> answer);
  ~ChunkAnswers();

  // Blocks while limits::kChunksInFlightMax chunks are unanswered.
  void Add(PendingChunk chunk);

  // Waits until all chunks so far are answered; the first status that was not OK.
  grpc::Status Drain();

  // The same, and no more are added.
  grpc::Status Finish();

 private:
  void Loop();

  const std::function<grpc::Status(PendingChunk&)> answer_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<PendingChunk> chunks_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mutex_);
  Thread thread_;
};

}  // namespace unirust::shard
