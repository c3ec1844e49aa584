#include "bench/ceilings.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "bench/load.h"
#include "proto/records.h"
#include "proto/unirust.grpc.pb.h"
#include "rpc/channel.h"
#include "rpc/server.h"
#include "store/batch.h"
#include "store/keys.h"
#include "store/store.h"
#include "workload/random.h"

namespace unirust::bench {
namespace {

using Clock = std::chrono::steady_clock;
using interner::SymbolId;
using store::Family;

uint64_t ThreadCpuMicros() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<uint64_t>(time.tv_nsec) / 1000;
}

uint64_t CalibrateOnce() {
  constexpr size_t kNumbers = size_t{1} << 19U;
  constexpr size_t kCounters = size_t{1} << 23U;
  std::vector<uint64_t> numbers(kNumbers);
  std::vector<uint64_t> counters(kCounters);
  const uint64_t begin = ThreadCpuMicros();
  uint64_t state = 1;
  for (uint64_t& number : numbers) number = state = workload::Mix(state);
  std::sort(numbers.begin(), numbers.end());
  for (size_t round = 0; round < 4; ++round) {
    for (const uint64_t number : numbers) ++counters[workload::Mix(number + round) % kCounters];
  }
  const uint64_t micros = ThreadCpuMicros() - begin;
  return micros +
         (counters[state % kCounters] > kNumbers ? 1 : 0);  // looked at, so that it is done
}

double PerSecond(uint64_t records, std::chrono::duration<double> seconds) {
  return static_cast<double>(records) / seconds.count();
}

// The rows of a record that joins an entity of two: itself, its indexes, two groups, its name, and
// every second time a block.
void AddRows(const workload::Source& source, uint64_t number, store::Batch* batch) {
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
  grpc::Status IngestRecords(grpc::ServerContext* /*context*/,
                             const proto::IngestRecordsRequest* request,
                             proto::IngestRecordsResponse* response) override {
    for (int i = 0; i < request->records_size(); ++i) response->add_assignments();
    return grpc::Status::OK;
  }
};

}  // namespace

absl::StatusOr<double> CommitCeiling(const std::string& dir, const workload::Source& source,
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

absl::StatusOr<double> TransportCeiling(const Requests& requests, uint64_t in_flight, bool calls) {
  Discard service;
  UNIRUST_ASSIGN_OR_RETURN(const std::unique_ptr<rpc::Server> server,
                           rpc::Server::Start("127.0.0.1:0", service));
  const auto channel = rpc::Connect(server->address());
  const LoadOptions load{.in_flight = in_flight};
  const auto answered = [](uint64_t) {};
  RequestReader reader(requests);
  Meter meter;
  LoadTimes times;
  UNIRUST_RETURN_IF_ERROR(
      calls ? CallEach(channel, Method::kIngestRecords, &reader, load, &meter, answered, &times)
            : StreamRecords(channel, &reader, load, &meter, answered, &times));
  return times.PerSecond();
}

double CalibrationMicros() {
  std::array<uint64_t, 3> times{};
  for (uint64_t& micros : times) micros = CalibrateOnce();
  std::sort(times.begin(), times.end());
  return static_cast<double>(times[1]);
}

absl::StatusOr<double> SyncMicros(const std::string& dir) {
  constexpr size_t kTimes = 201;
  const std::string path = dir + "/sync";
  const int fd = open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) return absl::InternalError("cannot write in " + dir);
  const std::string block(4096, '+');
  std::vector<uint64_t> micros;
  bool good = true;
  for (size_t i = 0; i < kTimes && good; ++i) {
    const uint64_t begin = SteadyClockMicros();
    good = write(fd, block.data(), block.size()) == static_cast<ssize_t>(block.size()) &&
           fdatasync(fd) == 0;
    micros.push_back(SteadyClockMicros() - begin);
  }
  close(fd);
  unlink(path.c_str());
  if (!good) return absl::InternalError("cannot write and sync in " + dir);
  std::nth_element(micros.begin(), micros.begin() + kTimes / 2, micros.end());
  return static_cast<double>(micros[kTimes / 2]);
}

}  // namespace unirust::bench
