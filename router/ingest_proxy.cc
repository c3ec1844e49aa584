#include "router/ingest_proxy.h"

#include <utility>

namespace unirust::router {

IngestProxy::IngestProxy(grpc::GenericStub& shard, const std::string& method,
                         std::unique_ptr<grpc::ClientContext> call, End end)
    : call_(std::move(call)), end_(std::move(end)) {
  MutexLock lock(mutex_);
  shard.PrepareBidiStreamingCall(call_.get(), method, grpc::StubOptions(), &shard_);
  shard_.AddMultipleHolds(2);
  shard_.StartRead(&answer_);
  shard_.StartCall();
  StartRead(&chunk_);
}

// --- chunks: from the client to the shard ---

void IngestProxy::OnReadDone(bool ok) {
  MutexLock lock(mutex_);
  if (!takes_chunks_) return;
  if (ok) return shard_.StartWrite(&chunk_);
  takes_chunks_ = false;
  shard_.StartWritesDone();
  shard_.RemoveHold();
}

void IngestProxy::Shard::OnWriteDone(bool ok) {
  MutexLock lock(proxy_.mutex_);
  if (ok) proxy_.StartRead(&proxy_.chunk_);  // else there are no more answers either
}

// --- answers: from the shard to the client ---

void IngestProxy::Shard::OnReadDone(bool ok) {
  MutexLock lock(proxy_.mutex_);
  if (ok) return proxy_.StartWrite(&proxy_.answer_);
  RemoveHold();
  if (proxy_.takes_chunks_) RemoveHold();
  proxy_.takes_chunks_ = false;
}

void IngestProxy::OnWriteDone(bool ok) {
  MutexLock lock(mutex_);
  if (!ok) call_->TryCancel();  // the client has gone
  shard_.StartRead(&answer_);
}

// --- the end ---

void IngestProxy::Shard::OnDone(const grpc::Status& status) {
  grpc::Status ended;
  {
    MutexLock lock(proxy_.mutex_);
    ended = proxy_.end_(*proxy_.call_, status);
  }
  proxy_.Finish(ended);  // may delete us
}

void IngestProxy::OnDone() {
  { MutexLock lock(mutex_); }  // after the last reaction has left
  delete this;
}

}  // namespace unirust::router
