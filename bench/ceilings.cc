#include "bench/ceilings.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include "base/hash.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "bench/ingest_load.h"
#include "proto/records.h"
#include "rpc/channel.h"
#include "rpc/server.h"
#include "store/batch.h"
#include "store/keys.h"
#include "store/store.h"

namespace unirust::bench {
namespace {

using Clock = std::chrono::steady_clock;
using interner::SymbolId;
using store::Family;

double PerSecond(uint64_t records, std::chrono::duration<double> seconds) {
  return static_cast<double>(records) / seconds.count();
}

// The rows of a record that joins an entity of two: itself, its indexes, two groups, its name, and
// every second time a block.
void AddRows(const workload::Generator& source, uint64_t number, store::Batch* batch) {
  constexpr SymbolId kType(1);
  constexpr SymbolId kPerspective(2);
  Write write;
  source.Make(number, &write);
  const auto& [entity_type, perspective, uid] = write.identity;
  const RecordId id = store::FirstAddress(entity_type, perspective, uid).Id();
  batch->Put(Family::kRecords, store::RecordKey{id}.Encode(),
             proto::ToProto(write, 0).SerializeAsString());
  batch->Put(Family::kSources, store::SourceKey{kType, kPerspective, Interval(), id}.Encode(), "");
  uint32_t attribute = 3;
  for (const Descriptor& d : write.descriptors) {
    const store::AttributeValueKey key{.attribute = SymbolId(attribute++),
                                       .value = store::EncodeValue(d.value),
                                       .interval = d.interval,
                                       .record = id};
    batch->Put(Family::kAttributeValues, key.Encode(), "01");
  }
  const std::string group(24, '+');
  for (uint16_t key = 0; key < 2; ++key) {
    const std::string value = std::to_string(Hash64(std::to_string(number + key * 1000003)));
    const store::GroupKey group_key{
        .entity_type = kType, .identity_key = key, .values = store::EncodeValues({value})};
    batch->Put(Family::kGroups, group_key.Encode(), group);
  }
  const std::string name = store::NameKey{store::NameOf(id)}.Encode();
  batch->Put(Family::kNames, name, "0123456789");
  if (number % 2 == 0) batch->Put(Family::kBlocks, name, std::string(60, '+'));
}

// Answers every record with an empty assignment.
class Discard : public proto::RouterService::Service {
 public:
  using Stream = grpc::ServerReaderWriter<proto::IngestRecordsResponse, proto::IngestRecordsChunk>;
  grpc::Status IngestRecordsStream(grpc::ServerContext* /*context*/, Stream* stream) override {
    proto::IngestRecordsChunk chunk;
    while (stream->Read(&chunk)) {
      proto::IngestRecordsResponse answer;
      for (int i = 0; i < chunk.records_size(); ++i) answer.add_assignments();
      if (!stream->Write(answer)) break;
    }
    return grpc::Status::OK;
  }
};

}  // namespace

absl::StatusOr<double> CommitCeiling(const std::string& dir, const workload::Generator& source,
                                     uint64_t records) {
  UNIRUST_ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store,
                           store::Store::Open({.dir = dir}));
  Clock::duration committing{};
  for (uint64_t next = 0; next < records;) {
    store::Batch batch;
    for (size_t i = 0; i < limits::kCommitRecordsMax && next < records; ++i, ++next) {
      AddRows(source, next, &batch);
    }
    const Clock::time_point begin = Clock::now();
    store->Commit(std::move(batch));
    committing += Clock::now() - begin;
  }
  return PerSecond(records, committing);
}

absl::StatusOr<double> TransportCeiling(const workload::Generator& source, uint64_t records,
                                        uint64_t batch, uint64_t in_flight) {
  Discard service;
  UNIRUST_ASSIGN_OR_RETURN(const std::unique_ptr<rpc::Server> server,
                           rpc::Server::Start("127.0.0.1:0", service));
  const auto stub = proto::RouterService::NewStub(rpc::Connect(server->address()));
  std::atomic<uint64_t> acknowledged = 0;
  IngestTimes times;
  const IngestOptions options{
      .first = 0, .records = records, .batch = batch, .in_flight = in_flight, .rate = 0};
  const Clock::time_point begin = Clock::now();
  UNIRUST_RETURN_IF_ERROR(Ingest(stub.get(), source, options, &acknowledged, &times));
  return PerSecond(records, Clock::now() - begin);
}

}  // namespace unirust::bench
