// Rows of a part in another process, as a Reader's state.
#pragma once

#include <grpcpp/channel.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "proto/parts.grpc.pb.h"
#include "store/store.h"

namespace unirust::peer {

// What a call to another part came to. A part that does not answer, or not in time, is UNAVAILABLE.
absl::Status OfCall(const grpc::Status& status, const std::string& address);

// A call with the deadline of parts.
std::unique_ptr<grpc::ClientContext> NewCall();

using Stub = proto::PartService::Stub;

// One state of a remote part. Each call is a round trip, a walk one a page. Thread-safe.
class RemoteState final : public store::Reader::State,
                          public std::enable_shared_from_this<RemoteState> {
 public:
  // `state`: kept over there until this is destroyed, if it has a lease.
  RemoteState(std::shared_ptr<Stub> stub, std::string address, const proto::PartState& state)
      : stub_(std::move(stub)), address_(std::move(address)), state_(state) {}
  ~RemoteState() override;

  absl::StatusOr<bool> Get(store::Family family, std::string_view key,
                           std::string* value) const override;
  absl::Status MultiGet(store::Family family, std::span<const std::string> keys,
                        store::Reader::RowVisitor row) const override;
  uint64_t EstimateBytes(store::Family family, std::string_view lower,
                         std::string_view upper) const override;
  std::unique_ptr<store::Cursor> Scan(store::Family family, std::string lower,
                                      std::string upper) const override;
  std::unique_ptr<store::Cursor> ScanPrefix(store::Family family,
                                            std::string_view prefix) const override;
  uint64_t generation() const override { return 0; }  // home's is asked for

  bool lost() const { return lost_; }  // a call failed: the part may keep it no longer

 private:
  absl::Status Checked(const grpc::Status& status) const;
  std::unique_ptr<store::Cursor> Walk(proto::WalkRowsRequest request) const;

  const std::shared_ptr<Stub> stub_;
  const std::string address_;
  const proto::PartState state_;
  mutable std::atomic<bool> lost_ = false;
};

}  // namespace unirust::peer
