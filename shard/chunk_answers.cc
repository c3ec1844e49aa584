#include "shard/chunk_answers.h"

#include <utility>

#include "base/limits.h"

namespace unirust::shard {

ChunkAnswers::ChunkAnswers(std::function<grpc::Status(PendingChunk&)> answer)
    : answer_(std::move(answer)), thread_("answers", [this] { Loop(); }) {}

ChunkAnswers::~ChunkAnswers() { Finish(); }

void ChunkAnswers::Add(PendingChunk chunk) {
  MutexLock lock(mutex_);
  while (chunks_.size() >= limits::kChunksInFlightMax) changed_.Wait(mutex_);
  chunks_.push_back(std::move(chunk));
  changed_.NotifyAll();
}

grpc::Status ChunkAnswers::Drain() {
  MutexLock lock(mutex_);
  while (!chunks_.empty()) changed_.Wait(mutex_);
  return status_;
}

grpc::Status ChunkAnswers::Finish() {
  {
    MutexLock lock(mutex_);
    finished_ = true;
    changed_.NotifyAll();
  }
  thread_.Join();
  MutexLock lock(mutex_);
  return status_;
}

void ChunkAnswers::Loop() {
  MutexLock lock(mutex_);
  while (true) {
    while (chunks_.empty() && !finished_) changed_.Wait(mutex_);
    if (chunks_.empty()) return;
    PendingChunk& chunk = chunks_.front();  // stays in the queue, so that it counts as unanswered
    const bool over = !status_.ok();
    mutex_.Unlock();
    const grpc::Status status = over ? grpc::Status::OK : answer_(chunk);
    chunk.ingestion.reset();  // waits for the commit if that was not answered
    if (over) chunk.audited->End(grpc::Status::CANCELLED);
    mutex_.Lock();
    if (!status.ok()) status_ = status;
    chunks_.pop_front();
    changed_.NotifyAll();
  }
}

}  // namespace unirust::shard
