#include "cli/client.h"

#include <grpcpp/support/byte_buffer.h>

#include <chrono>
#include <deque>
#include <utility>

#include "absl/strings/match.h"
#include "access/token.h"
#include "base/exit_codes.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "base/thread.h"
#include "cli/failure.h"
#include "config/programs.h"
#include "rpc/channel.h"
#include "rpc/credentials.h"
#include "rpc/request_id.h"
#include "shard/engine.h"
#include "shard/tenants.h"

namespace unirust::cli {
namespace {

constexpr std::chrono::seconds kStartingMax{2};

// Where to read more about a call that the daemon failed.
std::string LogHint(const grpc::ClientContext& call) {
  const auto& metadata = call.GetServerTrailingMetadata();
  const auto id = metadata.find(rpc::kRequestIdKey);
  if (id == metadata.end()) return "The daemon's log says more.";
  return "The daemon's log says more: request_id=" +
         std::string(id->second.data(), id->second.size());
}

// What the router is shown.
absl::Status ReadSecurity(const StoreFlags& flags, rpc::ClientSecurity* security) {
  if (!flags.tls.cert.empty() && flags.tls.ca.empty()) {
    return absl::InvalidArgumentError("--tls-cert needs --tls-ca: without it there is no TLS");
  }
  UNIRUST_ASSIGN_OR_RETURN(security->credentials,
                           rpc::MakeChannelCredentials(flags.tls, flags.router));
  security->tenant = flags.tenant;
  if (flags.token_file.empty()) return absl::OkStatus();
  UNIRUST_ASSIGN_OR_RETURN(security->token, access::ReadToken(flags.token_file));
  return absl::OkStatus();
}

}  // namespace

absl::Status NoStore(const std::string& data_dir) {
  return WithHint(
      WithExitCode(absl::NotFoundError("there is no store in " + data_dir), kExitDataDir),
      "Check --data-dir; `unirust ingest --data-dir DIR` makes a new one.");
}

absl::StatusOr<std::unique_ptr<Client>> Client::Open(const StoreFlags& flags, IfAbsent if_absent) {
  std::unique_ptr<Client> client(new Client);
  if (flags.data_dir.empty()) {
    client->router_ = flags.router;
    if (!rpc::IsAddress(flags.router)) {
      return WithExitCode(absl::InvalidArgumentError("--router: '" + flags.router +
                                                     "' is not host:port"),
                          kExitUsage);
    }
    rpc::ClientSecurity security;
    absl::Status status = ReadSecurity(flags, &security);
    if (!status.ok()) return WithExitCode(std::move(status), kExitUsage);
    client->channel_ = rpc::Connect(flags.router, security);
    // A daemon that is just starting is waited for; any other trouble shows in the first call.
    client->channel_->WaitForConnected(std::chrono::system_clock::now() + kStartingMax);
    client->stub_ = proto::RouterService::NewStub(client->channel_);
    return client;
  }
  const std::string data_dir = shard::TenantDirectory(flags.data_dir, flags.tenant);
  if (if_absent == IfAbsent::kRefuse && !shard::Engine::Exists(data_dir)) return NoStore(data_dir);
  if (!flags.tenant.empty() && if_absent == IfAbsent::kCreate) {
    UNIRUST_RETURN_IF_ERROR(WithExitCodeOfStore(shard::MakeTenantsDirectory(flags.data_dir)));
  }
  SetLogLevel(LogLevel::kWarning);  // what a daemon tells is not what a command was asked for
  config::StoreSettings settings;
  settings.data_dir = data_dir;
  settings.memory_budget = flags.memory_budget;
  if (!flags.backup_dir.empty()) {
    settings.backup_dir = shard::TenantDirectory(flags.backup_dir, flags.tenant);
  }
  settings.backup_keep = flags.backup_keep;
  settings.read_only = flags.read_only;
  settings.purge_after = {};  // not beside a command
  UNIRUST_RETURN_IF_ERROR(WithExitCode(config::CheckStore(settings), kExitUsage));
  UNIRUST_ASSIGN_OR_RETURN(client->local_, LocalStore::Open(settings));
  client->channel_ = client->local_->server().InProcessChannel();
  client->stub_ = proto::RouterService::NewStub(client->channel_);
  return client;
}

// The chunks of a stream, received on a thread of its own while the last ones are used.
class Client::ChunksAhead {
 public:
  ChunksAhead(grpc::ClientContext& context, grpc::ClientReader<grpc::ByteBuffer>& reader)
      : context_(context), reader_(reader), thread_("receive", [this] { ReceiveAll(); }) {}

  // Ends the stream if it has not ended.
  ~ChunksAhead() {
    {
      MutexLock lock(mutex_);
      stopped_ = true;
      if (!ended_) context_.TryCancel();
    }
    changed_.NotifyAll();
  }

  // False at the end of the stream.
  bool Next(grpc::ByteBuffer* chunk) {
    MutexLock lock(mutex_);
    while (chunks_.empty() && !ended_) changed_.Wait(mutex_);
    if (chunks_.empty()) return false;
    chunk->Swap(&chunks_.front());
    chunks_.pop_front();
    changed_.NotifyAll();
    return true;
  }

 private:
  static constexpr size_t kChunksMax = 4;

  void ReceiveAll() {
    for (bool more = true; more;) {
      grpc::ByteBuffer chunk;
      more = reader_.Read(&chunk);
      MutexLock lock(mutex_);
      while (chunks_.size() == kChunksMax && !stopped_) changed_.Wait(mutex_);
      more = more && !stopped_;
      if (more) {
        chunks_.emplace_back();
        chunks_.back().Swap(&chunk);
      }
      ended_ = !more;
      changed_.NotifyAll();
    }
  }

  grpc::ClientContext& context_;
  grpc::ClientReader<grpc::ByteBuffer>& reader_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<grpc::ByteBuffer> chunks_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  Thread thread_;  // joined before all else goes
};

absl::Status Client::StreamBytes(const std::string& method,
                                 const google::protobuf::Message& request,
                                 absl::FunctionRef<absl::Status(std::string_view chunk)> take) {
  using Rpc = grpc::internal::RpcMethod;
  const std::string path = "/unirust.RouterService/" + method;
  grpc::ClientContext context;
  const std::unique_ptr<grpc::ClientReader<grpc::ByteBuffer>> reader(
      grpc::internal::ClientReaderFactory<grpc::ByteBuffer>::Create(
          channel_.get(), Rpc(path.c_str(), Rpc::SERVER_STREAMING), &context, request));
  absl::Status taken;
  {
    ChunksAhead chunks(context, *reader);
    for (grpc::ByteBuffer chunk; taken.ok() && chunks.Next(&chunk);) {
      grpc::Slice bytes;
      taken = chunk.DumpToSingleSlice(&bytes).ok()
                  ? take({reinterpret_cast<const char*>(bytes.begin()), bytes.size()})
                  : absl::InternalError("a chunk of the stream is damaged");
    }
  }
  const grpc::Status status = reader->Finish();
  return taken.ok() ? Explain(status, context) : taken;
}

absl::Status Client::Explain(const grpc::Status& status, const grpc::ClientContext& call) const {
  const absl::Status ours = proto::FromGrpc(status);
  if (router_.empty()) return ours;
  if (absl::IsInternal(ours) || absl::IsDataLoss(ours) || absl::IsUnknown(ours)) {
    return WithHint(ours, LogHint(call));
  }
  if (absl::IsUnauthenticated(ours)) {
    return WithHint(ours, "Give one with --token-file FILE; `unirust token` makes them.");
  }
  if (!absl::IsUnavailable(ours)) return ours;
  if (absl::StrContains(ours.message(), "part of the store") ||
      absl::StrContains(ours.message(), " of the store: ")) {
    return WithHint(ours, "`unirust cluster status` shows which parts do not answer.");
  }
  return WithHint(absl::UnavailableError("router " + router_ + ": " + std::string(ours.message())),
                  "Is it running? Start one with `unirust serve --data-dir DIR`, name another with "
                  "--router ADDR,\n  or work on a directory without a daemon: --data-dir DIR. "
                  "A router with a certificate needs --tls-ca.");
}

}  // namespace unirust::cli
