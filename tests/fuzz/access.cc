// Principals, tokens and the audit log.
#include <algorithm>
#include <filesystem>
#include <string>

#include "access/audit_log.h"
#include "access/principals.h"
#include "access/token.h"
#include "base/hash.h"
#include "base/limits.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/targets.h"

namespace unirust::fuzz {
namespace {

using namespace access;

void Principals(Input input) {
  const auto principals = ParsePrincipals(input.Rest(), "file");
  if (!principals.ok()) {
    return RequireRefusal(principals.status(), absl::StatusCode::kInvalidArgument);
  }
  for (const Principal& one : *principals) {
    Require(!one.name.empty() && one.name.size() <= limits::kPrincipalNameBytesMax, "a name");
    Require(one.token.has_value() == one.certificate.empty(), "one proof");
    Require(!(one.token && one.roles.Has(Role::kPeer)), "a peer has a certificate");
    Require(!(one.roles == RoleSet()), "a role at least");
  }
}

void TokenHashes(Input input) {
  const std::string_view text = input.Rest();
  const absl::StatusOr<TokenHash> hash = ParseTokenHash(text);
  if (!hash.ok()) return RequireRefusal(hash.status(), absl::StatusCode::kInvalidArgument);
  const absl::StatusOr<TokenHash> again = ParseTokenHash(ToHex(*hash));
  Require(again.ok() && Equal(*again, *hash), "a hash is what its digits say");
}

void TokenFiles(Input input) {
  const std::string path = Directory() + "/token";
  WriteFile(path, input.Rest());
  const absl::StatusOr<std::string> token = ReadToken(path);
  if (!token.ok()) return RequireRefusal(token.status(), absl::StatusCode::kInvalidArgument);
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7F'; };
  Require(!token->empty() && std::all_of(token->begin(), token->end(), is_plain),
          "a token can be sent in a header");
}

std::string EmptyAuditDirectory() {
  const std::string dir = Directory() + "/audit";
  std::filesystem::remove_all(dir);
  std::filesystem::create_directory(dir);
  return dir;
}

// Who verifies a log can go on with it.
void AuditFile(Input input) {
  const std::string dir = EmptyAuditDirectory();
  WriteFile(dir + "/audit-000001.jsonl", input.Rest());
  const absl::StatusOr<AuditSummary> before = VerifyAuditLog(dir);
  const bool is_empty = absl::IsNotFound(before.status());
  if (!before.ok()) {
    RequireRefusal(before.status(),
                   is_empty ? absl::StatusCode::kNotFound : absl::StatusCode::kDataLoss);
  }
  const auto log = AuditLog::Open(dir);
  if (!log.ok()) return RequireRefusal(log.status(), absl::StatusCode::kDataLoss);
  const absl::StatusOr<AuditSummary> after = VerifyAuditLog(dir);
  Require(after.ok() == (before.ok() || is_empty), "what verifies goes on verifying");
  if (before.ok()) Require(after->last == before->last + 1, "and goes on after its last line");
}

// Any change of a log is noticed, but for the end of the line that was being written.
void AuditEntries(Input input) {
  const std::string dir = EmptyAuditDirectory();
  const uint64_t at = input.Number(2);
  const auto change = static_cast<char>(input.Byte());
  {
    const auto log = AuditLog::Open(dir);
    Require(log.ok(), "a log begins in an empty directory");
    for (int count = 1 + input.Byte() % 3; count > 0; --count) {
      AuditEntry entry{.who = std::string(input.Sized()),
                       .tenant = {},
                       .method = std::string(input.Sized()),
                       .request_id = std::string(input.Sized()),
                       .records = {std::string(input.Sized())},
                       .retracted = {},
                       .detail = std::string(input.Sized())};
      (*log)->End((*log)->Begin(entry), "OK");
    }
  }
  const absl::StatusOr<AuditSummary> whole = VerifyAuditLog(dir);
  Require(whole.ok(), "a log that was written verifies");
  if (change == 0) return;
  const std::string path = dir + "/audit-000001.jsonl";
  std::string text = ReadWholeFile(path).value();
  const size_t place = at % text.size();
  text[place] = static_cast<char>(text[place] ^ change);
  WriteFile(path, text);
  RequireRefusal(VerifyAuditLog(dir, whole->hash).status(), absl::StatusCode::kDataLoss);
  const absl::StatusOr<AuditSummary> changed = VerifyAuditLog(dir);
  const bool is_end = place + 1 == text.size();
  if (!is_end) return RequireRefusal(changed.status(), absl::StatusCode::kDataLoss);
  Require(changed.ok() && changed->last + 1 == whole->last, "a torn line is none");
}

}  // namespace

void Access(std::string_view input) {
  static constexpr std::array kKinds{Principals, TokenHashes, TokenFiles, AuditFile, AuditEntries};
  RunKind(kKinds, input);
}

}  // namespace unirust::fuzz
