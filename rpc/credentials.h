// How our daemons and their clients prove who they are: TLS 1.3, or nothing at all on the loopback
// interface. Certificates and keys are read again when their files have changed.
#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "access/gate.h"
#include "config/programs.h"
#include "rpc/server.h"

namespace unirust::rpc {

// True for unix:path, localhost, 127.x.y.z and [::1]: what is said there stays on this machine.
bool IsLocal(const std::string& address);

// Of a server on `listen` (empty: reached in the process only). INVALID_ARGUMENT, naming setting
// and file, if a file cannot be used, the key is not that of the certificate, or there is no
// certificate although the address is not local and --insecure was not given. With --insecure that
// is a warning in the log.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const config::TlsSettings& tls, const std::string& listen);

// To connect to `address`. The errors of MakeServerCredentials.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const config::TlsSettings& tls, const std::string& address);

// What a server on `listen` needs by these settings. `gate` keeps what the server uses of it, and
// stays empty without an access file. The errors of MakeServerCredentials and access::Gate::Open.
absl::StatusOr<ServerSecurity> MakeServerSecurity(const config::TlsSettings& tls,
                                                  const config::AccessSettings& access,
                                                  const std::string& listen,
                                                  std::unique_ptr<access::Gate>* gate);

}  // namespace unirust::rpc
