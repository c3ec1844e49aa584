#include "rpc/credentials.h"

#include <arpa/inet.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/ssl.h>

#include <cstdlib>
#include <mutex>

#include "base/log.h"
#include "base/status_macros.h"

namespace unirust::rpc {
namespace {

namespace tls_api = grpc::experimental;

constexpr unsigned kRereadSeconds = 1;

// gRPC 1.51 has no way to say that TLS 1.2 is not wanted. But the ciphers of 1.2 are set apart from
// those of 1.3: with one alone, for keys that are agreed on beforehand, which gRPC never has, no
// handshake of 1.2 succeeds.
void RefuseTls12() {
  static std::once_flag once;
  std::call_once(once, [] { setenv("GRPC_SSL_CIPHER_SUITES", "PSK-AES256-GCM-SHA384", 1); });
}

absl::Status Unusable(const char* setting, const std::string& path, const char* what) {
  return absl::InvalidArgumentError(std::string(setting) + ": " + path + " " + what);
}

// gRPC says nothing of files that it cannot use; connections fail one by one.
absl::Status CheckFiles(const config::TlsSettings& tls) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_method()),
                                                                  &SSL_CTX_free);
  if (context == nullptr) return absl::ResourceExhaustedError("no memory for TLS");
  const auto is_root = [&](const std::string& path) {
    return path.empty() || SSL_CTX_load_verify_locations(context.get(), path.c_str(), nullptr) == 1;
  };
  if (!is_root(tls.ca)) return Unusable("--tls-ca", tls.ca, "holds no certificate in PEM");
  if (!is_root(tls.client_ca)) {
    return Unusable("--tls-client-ca", tls.client_ca, "holds no certificate in PEM");
  }
  if (tls.cert.empty()) return absl::OkStatus();
  if (SSL_CTX_use_certificate_chain_file(context.get(), tls.cert.c_str()) != 1) {
    return Unusable("--tls-cert", tls.cert, "holds no certificate in PEM");
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), tls.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return Unusable("--tls-key", tls.key,
                    ("holds no key in PEM, or not that of " + tls.cert).c_str());
  }
  return absl::OkStatus();
}

absl::Status Prepare(const config::TlsSettings& tls) {
  UNIRUST_RETURN_IF_ERROR(config::CheckTls(tls));
  RefuseTls12();
  return CheckFiles(tls);
}

// Rereads the files. `root` may be empty, and so may the certificate.
std::shared_ptr<tls_api::CertificateProviderInterface> Watch(const config::TlsSettings& tls,
                                                             const std::string& root) {
  return std::make_shared<tls_api::FileWatcherCertificateProvider>(tls.key, tls.cert, root,
                                                                   kRereadSeconds);
}

}  // namespace

bool IsLocal(const std::string& address) {
  if (address.starts_with("unix:")) return true;
  constexpr uint32_t kLoopbackNet = 127;
  const std::string host = address.substr(0, address.rfind(':'));
  in_addr ip{};
  const bool is_loopback =
      inet_pton(AF_INET, host.c_str(), &ip) == 1 && ntohl(ip.s_addr) >> 24U == kLoopbackNet;
  return is_loopback || host == "localhost" || host == "[::1]";
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const config::TlsSettings& tls, const std::string& listen) {
  UNIRUST_RETURN_IF_ERROR(Prepare(tls));
  if (tls.cert.empty()) {
    if (!listen.empty() && !IsLocal(listen)) {
      if (!tls.insecure) {
        return absl::InvalidArgumentError(
            "--listen " + listen +
            ": only loopback addresses are served without TLS. Give --tls-cert and --tls-key, or "
            "--insecure if the network keeps strangers out");
      }
      Log(LogLevel::kWarning, "serving without TLS beyond loopback", {{"address", listen}});
    }
    return grpc::InsecureServerCredentials();
  }
  tls_api::TlsServerCredentialsOptions options(Watch(tls, tls.client_ca));
  options.watch_identity_key_cert_pairs();
  if (tls.client_ca.empty()) {
    options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  } else {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return tls_api::TlsServerCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const config::TlsSettings& tls, const std::string& address) {
  UNIRUST_RETURN_IF_ERROR(Prepare(tls));
  if (tls.ca.empty()) {
    if (!IsLocal(address)) {
      if (!tls.insecure) {
        return absl::InvalidArgumentError(
            address +
            " is beyond loopback: give --tls-ca with the roots of its certificate, or --insecure "
            "to talk to it without TLS");
      }
      Log(LogLevel::kWarning, "talking without TLS beyond loopback", {{"address", address}});
    }
    return grpc::InsecureChannelCredentials();
  }
  tls_api::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(Watch(tls, tls.ca));
  options.watch_root_certs();
  if (!tls.cert.empty()) options.watch_identity_key_cert_pairs();
  return tls_api::TlsCredentials(options);
}

absl::StatusOr<ServerSecurity> MakeServerSecurity(const config::TlsSettings& tls,
                                                  const config::AccessSettings& access,
                                                  const std::string& listen,
                                                  std::unique_ptr<access::Gate>* gate) {
  ServerSecurity security;
  UNIRUST_ASSIGN_OR_RETURN(security.credentials, MakeServerCredentials(tls, listen));
  if (!access.access.empty()) {
    UNIRUST_ASSIGN_OR_RETURN(*gate, access::Gate::Open(access.access));
    if ((*gate)->KnowsCertificates() && tls.client_ca.empty()) {
      return absl::InvalidArgumentError(
          "--access: " + access.access +
          " lists certificates, but without --tls-client-ca clients show none");
    }
    security.gate = gate->get();
  }
  return security;
}

}  // namespace unirust::rpc
