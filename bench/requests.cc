#include "bench/requests.h"

#include <google/protobuf/arena.h>
#include <grpcpp/support/slice.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <utility>

#include "base/status_macros.h"
#include "model/record.h"
#include "proto/records.h"
#include "proto/unirust.pb.h"

namespace unirust::bench {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 20U;
constexpr size_t kLengthBytes = sizeof(uint32_t);

}  // namespace

absl::StatusOr<std::unique_ptr<Requests>> Requests::Create() {
  UNIRUST_ASSIGN_OR_RETURN(auto file, ScratchFile::Create());
  return std::unique_ptr<Requests>(new Requests(std::move(file)));
}

absl::Status Requests::Append(const google::protobuf::MessageLite& request) {
  const auto length = static_cast<uint32_t>(request.ByteSizeLong());
  buffer_.append(reinterpret_cast<const char*>(&length), kLengthBytes);
  request.AppendToString(&buffer_);
  ++count_;
  return buffer_.size() < kBlockBytes ? absl::OkStatus() : Flush();
}

absl::Status Requests::Flush() {
  UNIRUST_RETURN_IF_ERROR(file_->Append(buffer_));
  buffer_.clear();
  return absl::OkStatus();
}

absl::Status Requests::Finish() {
  UNIRUST_RETURN_IF_ERROR(Flush());
  return file_->PutAway();
}

uint32_t RequestReader::LengthHere() const {
  uint32_t length = 0;
  std::memcpy(&length, block_.begin() + at_, kLengthBytes);
  return length;
}

absl::Status RequestReader::Fill(size_t bytes) {
  const size_t left = block_.size() - at_;
  if (left >= bytes) return absl::OkStatus();
  const size_t room = std::max(bytes, kBlockBytes);
  auto* const memory = static_cast<char*>(std::malloc(room));
  if (memory == nullptr) return absl::ResourceExhaustedError("no memory for a request");
  std::memcpy(memory, block_.begin() + at_, left);
  const auto read = requests_.file_->Read(offset_, std::span(memory + left, room - left));
  if (!read.ok()) {
    std::free(memory);
    return read.status();
  }
  offset_ += *read;
  block_ = grpc::Slice(memory, left + *read, std::free);
  at_ = 0;
  return absl::OkStatus();
}

absl::StatusOr<bool> RequestReader::Next(grpc::ByteBuffer* bytes) {
  UNIRUST_RETURN_IF_ERROR(Fill(kLengthBytes));
  if (block_.size() - at_ < kLengthBytes && again_ && requests_.count() > 0) {
    offset_ = 0;
    UNIRUST_RETURN_IF_ERROR(Fill(kLengthBytes));
  }
  if (block_.size() - at_ < kLengthBytes) return false;
  const uint32_t length = LengthHere();
  UNIRUST_RETURN_IF_ERROR(Fill(kLengthBytes + length));
  const grpc::Slice slice = block_.sub(at_ + kLengthBytes, at_ + kLengthBytes + length);
  *bytes = grpc::ByteBuffer(&slice, 1);
  at_ += kLengthBytes + length;
  return true;
}

absl::Status AppendRecords(const workload::Source& source, const RecordsToSend& what,
                           const Made& made, Requests* requests) {
  const uint64_t end = what.first + what.records;
  Write write;
  for (uint64_t next = what.first; next < end;) {
    google::protobuf::Arena arena;
    auto* request = google::protobuf::Arena::CreateMessage<proto::IngestRecordsRequest>(&arena);
    const uint64_t stop = std::min(end, next + what.batch);
    for (uint32_t index = 0; next < stop; ++next, ++index) {
      source.Make(next, &write);
      *request->add_records() = proto::ToProto(write, index);
    }
    UNIRUST_RETURN_IF_ERROR(requests->Append(*request));
    if (!made(next - what.first)) return absl::CancelledError("interrupted");
  }
  return requests->Finish();
}

absl::Status AppendQueries(const workload::Source& source, QueryKind kind, uint64_t known,
                           uint64_t queries, uint64_t seed, Requests* requests) {
  constexpr uint64_t kTriesMax = 100;  // for each
  std::mt19937_64 random(seed);
  Write write;
  uint64_t made = 0;
  for (uint64_t tries = 0; made < queries && tries < kTriesMax * queries; ++tries) {
    source.Make(random() % known, &write);
    if (write.version) continue;  // another write of the record may come, or stand already
    ++made;
    if (kind == QueryKind::kEntity) {
      proto::GetEntityRequest request;
      request.set_name(RecordName(write.identity));
      UNIRUST_RETURN_IF_ERROR(requests->Append(request));
      continue;
    }
    proto::QueryEntitiesRequest request;
    request.set_start(std::numeric_limits<int64_t>::min());
    request.set_end(std::numeric_limits<int64_t>::max());
    proto::QueryDescriptor* pair = request.add_descriptors();
    pair->set_attr(write.descriptors.front().attribute);
    pair->set_value(write.descriptors.front().value);
    UNIRUST_RETURN_IF_ERROR(requests->Append(request));
  }
  if (made == 0) return absl::InvalidArgumentError("too few records to ask for");
  return requests->Finish();
}

}  // namespace unirust::bench
