// One IngestRecordsStream of a client, passed on to the shard: chunks one way and answers the
// other, as bytes, each way as fast as the other end takes them. Either end may end it at any time,
// also while the other one waits, which is why this alone uses gRPC's callbacks.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

#include "base/mutex.h"

namespace unirust::router {

// Deletes itself when the client's call is over. Thread-safe.
class IngestProxy final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // Makes the status of the client's call from that of `call`, which has ended.
  using End = std::function<grpc::Status(const grpc::ClientContext& call, const grpc::Status&)>;

  // Starts `call` to `method` of the shard.
  IngestProxy(grpc::GenericStub& shard, const std::string& method,
              std::unique_ptr<grpc::ClientContext> call, End end);

 private:
  // The other end. It has two holds: without them gRPC would end the call as soon as nothing of it
  // is under way, while a chunk or an answer is on its way through us. One is given back when the
  // shard takes no more chunks, the other when it has no more answers.
  class Shard final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
   public:
    explicit Shard(IngestProxy& proxy) : proxy_(proxy) {}
    void OnWriteDone(bool ok) override;
    void OnReadDone(bool ok) override;
    void OnDone(const grpc::Status& status) override;

   private:
    IngestProxy& proxy_;
  };

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;

  // Held in every reaction: gRPC orders most of them by itself, but not those of one end against
  // those of the other.
  Mutex mutex_;
  const std::unique_ptr<grpc::ClientContext> call_ ABSL_PT_GUARDED_BY(mutex_);
  const End end_ ABSL_GUARDED_BY(mutex_);
  Shard shard_ ABSL_GUARDED_BY(mutex_){*this};
  grpc::ByteBuffer chunk_ ABSL_GUARDED_BY(mutex_);
  grpc::ByteBuffer answer_ ABSL_GUARDED_BY(mutex_);
  bool takes_chunks_ ABSL_GUARDED_BY(mutex_) = true;
};

}  // namespace unirust::router
