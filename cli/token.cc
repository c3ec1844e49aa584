// `unirust token`.
#include "access/token.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "access/principals.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/output.h"

namespace unirust::cli {
namespace {

std::string Array(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "\"" : ", \"") + name + "\"";
  return "[" + out + "]";
}

// The entry of an access file. Not checked yet.
std::string Entry(const TokenFlags& flags, const access::TokenHash& hash) {
  std::string entry = "[[principal]]\nname = \"" + flags.name + "\"\nroles = " +
                      Array(flags.roles) + "\ntoken-sha256 = \"" + access::ToHex(hash) + "\"\n";
  if (!flags.tenants.empty()) entry += "tenants = " + Array(flags.tenants) + "\n";
  if (!flags.expires.empty()) entry += "expires = " + flags.expires + "\n";
  return entry;
}

// Makes the file, readable for its owner only.
absl::Status WriteSecret(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    return absl::FailedPreconditionError(path + ": " + std::strerror(errno));
  }
  errno = ENOSPC;  // what a write that is cut short stands for
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       fsync(fd) == 0;
  const int error = errno;
  close(fd);
  if (written) return absl::OkStatus();
  unlink(path.c_str());
  return absl::InternalError(path + ": " + std::strerror(error));
}

}  // namespace

absl::Status Run(const TokenFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const std::string token, access::NewToken());
  const std::string entry = Entry(flags, access::HashToken(token));
  const auto principals = access::ParsePrincipals(entry, "the entry");
  if (!principals.ok()) return WithExitCode(principals.status(), kExitUsage);
  if (principals->size() != 1 || principals->front().name != flags.name) {
    return WithExitCode(absl::InvalidArgumentError("--name, --roles and --expires are one each"),
                        kExitUsage);
  }
  UNIRUST_RETURN_IF_ERROR(WriteSecret(flags.out, token + "\n"));
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  out->Write(entry);
  return out->Close();
}

}  // namespace unirust::cli
