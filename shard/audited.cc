#include "shard/audited.h"

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "base/limits.h"
#include "model/record.h"
#include "rpc/admission.h"
#include "rpc/request_id.h"

namespace unirust::shard {
namespace {

// What is longer than it may be is refused later.
std::string NameOf(const Identity& id) {
  const auto part = [](const std::string& text) {
    return std::string_view(text).substr(0, limits::kIdentityPartBytesMax);
  };
  return RecordName(part(id.entity_type), part(id.perspective), part(id.uid));
}

}  // namespace

Audited::Audited(access::AuditLog* log, const grpc::ServerContextBase& context, const char* method,
                 Describe describe)
    : log_(log) {
  if (log == nullptr) return;
  access::AuditEntry entry;
  entry.who = rpc::CallerName(context);
  entry.tenant = rpc::TenantName(context);
  entry.method = method;
  entry.request_id = rpc::RequestId(context);
  describe(entry);
  number_ = log->Begin(entry);
}

Audited::Audited(access::AuditLog* log, const grpc::ServerContextBase& context, const char* method,
                 const std::string& detail)
    : Audited(log, context, method, [&](access::AuditEntry& entry) { entry.detail = detail; }) {}

grpc::Status Audited::End(grpc::Status status) const {
  if (log_ != nullptr) {
    log_->End(number_,
              absl::StatusCodeToString(static_cast<absl::StatusCode>(status.error_code())));
  }
  return status;
}

void Name(const std::vector<Write>& writes, access::AuditEntry& entry) {
  for (const Write& write : writes) {
    (write.retract ? entry.retracted : entry.records).push_back(NameOf(write.identity));
  }
}

void Name(const google::protobuf::RepeatedPtrField<std::string>& names,
          access::AuditEntry& entry) {
  // A list that is longer than it may be is refused later.
  if (static_cast<size_t>(names.size()) > limits::kErasuresPerRequestMax) {
    entry.detail = std::to_string(names.size()) + " records: too many";
    return;
  }
  for (const std::string& name : names) {
    entry.records.push_back(name.substr(0, 3 * limits::kIdentityPartBytesMax));
  }
}

}  // namespace unirust::shard
