// A connection to the RouterService: of a daemon, or of a store that this process opens itself
// (embedded mode). Commands see no difference.
//
//   UNIRUST_ASSIGN_OR_RETURN(auto client, Client::Open(flags.store));
//   UNIRUST_RETURN_IF_ERROR(client->Call(&Router::GetStats, proto::StatsRequest(), &stats));
//
// Thread-safe.
#pragma once

#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/flags.h"
#include "cli/local_store.h"
#include "proto/status.h"
#include "proto/unirust.grpc.pb.h"

namespace unirust::cli {

using Router = proto::RouterService::Stub;

// That the directory of --data-dir holds none.
absl::Status NoStore(const std::string& data_dir);

class Client {
 public:
  // What to do about a data directory that holds no store yet.
  enum class IfAbsent { kRefuse, kCreate };

  // Embedded: the errors of Engine::Open, NOT_FOUND for a refused directory. A router that cannot be reached is waited
  // for for two seconds; that it cannot shows in the first call. INVALID_ARGUMENT for an address that is none.
  static absl::StatusOr<std::unique_ptr<Client>> Open(const StoreFlags& flags,
                                                      IfAbsent if_absent = IfAbsent::kRefuse);

  Router& stub() { return *stub_; }

  template <typename Request, typename Response>
  absl::Status Call(grpc::Status (Router::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    const grpc::Status status = ((*stub_).*method)(&context, request, response);
    return Explain(status, context);
  }

  // Calls `take` with each chunk of a streamed answer, until it returns false or an error.
  template <typename Request, typename Chunk>
  absl::Status Stream(std::unique_ptr<grpc::ClientReader<Chunk>> (Router::*method)(
                          grpc::ClientContext*, const Request&),
                      const Request& request,
                      const std::function<absl::StatusOr<bool>(const Chunk&)>& take) {
    grpc::ClientContext context;
    const auto reader = ((*stub_).*method)(&context, request);
    google::protobuf::ArenaOptions blocks;
    blocks.start_block_size = blocks.max_block_size = kArenaBlockBytes;
    for (google::protobuf::Arena arena(blocks);; arena.Reset()) {  // of all messages of the chunk
      Chunk* chunk = google::protobuf::Arena::CreateMessage<Chunk>(&arena);
      if (!reader->Read(chunk)) break;
      const absl::StatusOr<bool> more = take(*chunk);
      if (more.ok() && *more) continue;
      context.TryCancel();
      reader->Finish();
      return more.status();
    }
    return Explain(reader->Finish(), context);
  }

  // Calls `take` with the bytes of each chunk of a streamed answer, until it returns an error. Meanwhile the next ones
  // are received. `method` is of the RouterService.
  absl::Status StreamBytes(const std::string& method, const google::protobuf::Message& request,
                           absl::FunctionRef<absl::Status(std::string_view chunk)> take);

  // The status of a call that has ended as ours, with a hint where something can be done about it.
  absl::Status Explain(const grpc::Status& status, const grpc::ClientContext& call) const;

 private:
  static constexpr size_t kArenaBlockBytes = 128 * 1024;  // so that a chunk takes few

  class ChunksAhead;

  Client() = default;

  std::string router_;                 // empty in embedded mode
  std::unique_ptr<LocalStore> local_;  // outlives the channel
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Router> stub_;
};

}  // namespace unirust::cli
