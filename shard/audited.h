// A call that changes something, in the audit log (access/audit_log.h).
//
//   Audited audited(audit_, *context, "Reset");
//   return audited.End(proto::ToGrpc(engine_.Reset()));
#pragma once

#include <google/protobuf/repeated_ptr_field.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "access/audit_log.h"
#include "model/record.h"

namespace unirust::shard {

class Audited {
 public:
  // What it is about; called only if there is a log.
  using Describe = absl::FunctionRef<void(access::AuditEntry&)>;

  // Returns when the beginning is on disk. Nothing is noted without a log.
  Audited(access::AuditLog* log, const grpc::ServerContextBase& context, const char* method,
          Describe describe);
  Audited(access::AuditLog* log, const grpc::ServerContextBase& context, const char* method,
          const std::string& detail = "");

  // Notes how it ended, and returns that.
  grpc::Status End(grpc::Status status) const;

 private:
  access::AuditLog* log_;
  uint64_t number_ = 0;
};

// The names of the records of a request.
void Name(const std::vector<Write>& writes, access::AuditEntry& entry);
void Name(const google::protobuf::RepeatedPtrField<std::string>& names,
          access::AuditEntry& entry);

}  // namespace unirust::shard
