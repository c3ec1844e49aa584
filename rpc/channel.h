// Channels to our daemons, with our limits.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>
#include <string>

namespace unirust::rpc {

// Takes answers up to limits::kAnswerBytesMax; tries a lost connection again at least once a
// second.
grpc::ChannelArguments ChannelArguments();

// True for host:port with a port below 65,536, and for unix:path. gRPC itself takes higher ports
// modulo 65,536.
bool IsAddress(const std::string& address);

// What a client shows to the server.
struct ClientSecurity {
  std::shared_ptr<grpc::ChannelCredentials> credentials =
      nullptr;             // credentials.h; null: plaintext
  std::string token = {};   // sent with every call; empty: none
  std::string tenant = {};  // that every call is for; empty: the default one
};

// A channel to `address` (host:port or unix:path). Connects when first used; never fails by itself.
std::shared_ptr<grpc::Channel> Connect(const std::string& address,
                                       const ClientSecurity& security = {});

// The same to a shard, for a router: a call that only reads and is UNAVAILABLE before it has answered anything is made
// again, limits::kReadAttemptsMax times in all, within its deadline. Not while most calls fail.
std::shared_ptr<grpc::Channel> ConnectShard(const std::string& address,
                                            const ClientSecurity& security = {});

// The same to a part of a store: one that is silent, with calls or without, is soon asked whether it is there
// (limits::kPartKeepaliveMs).
std::shared_ptr<grpc::Channel> ConnectPart(const std::string& address,
                                           const ClientSecurity& security = {});

}  // namespace unirust::rpc
