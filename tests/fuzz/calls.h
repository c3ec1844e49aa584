// Calls of a service, as text. A line `> METHOD` begins a call; its messages follow as protobuf
// text, with a line `-` between two of them. A message that is no such text is sent as it is, and
// does not decode.
//
//   > IngestRecords
//   records { identity { entity_type: "person" perspective: "crm" uid: "1" } }
//   > GetEntity
//   name: "person/crm/1"
//
// In the cursor of a request the first byte says how many bytes of a position the store's own
// cursor lends it; the others follow in place of the rest. What is made so has the hash of a cursor
// that the store gave.
#pragma once

#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace unirust::fuzz {

using Method = google::protobuf::MethodDescriptor;

struct Call {
  const Method* method;
  std::vector<std::string> messages;  // encoded; one, unless the client streams
};

struct Answer {
  grpc::Status status;
  std::vector<std::string> messages;
};

// The first kCallsMax calls of methods that `service` has.
inline constexpr size_t kCallsMax = 8;
std::vector<Call> ParseCalls(const std::string& service, std::string_view input);

// "/unirust.ShardService/GetStats"
std::string PathOf(const Method& method);

// Makes calls, one at a time.
class Caller {
 public:
  explicit Caller(std::shared_ptr<grpc::Channel> channel) : stub_(std::move(channel)) {}

  Answer Make(const Call& call);

 private:
  void PutCursor(const Method& method, std::string* message);

  grpc::GenericStub stub_;
};

}  // namespace unirust::fuzz
