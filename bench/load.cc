#include "bench/load.h"

#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "base/status_macros.h"
#include "base/thread.h"
#include "proto/status.h"
#include "proto/unirust.pb.h"

namespace unirust::bench {
namespace {

using Clock = std::chrono::steady_clock;

// A call that takes longer has failed.
constexpr std::chrono::seconds kCallTime{60};
// How often a load looks whether it is to stop, and how long what is unanswered then may take.
constexpr std::chrono::milliseconds kLook{100};
constexpr std::chrono::seconds kLastAnswers{5};

bool IsStopped(const LoadOptions& options) {
  return options.stop != nullptr && options.stop->load();
}

uint64_t MicrosSince(Clock::time_point begin) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count());
}

template <typename Answer>
absl::Status Parse(grpc::ByteBuffer* bytes, Answer* answer) {
  return proto::FromGrpc(grpc::SerializationTraits<Answer>::Deserialize(bytes, answer));
}

// When the next request is due, and whether it is time.
class Schedule {
 public:
  Schedule(double rate, Clock::time_point begin) : rate_(rate), begin_(begin) {}

  // The time from which the latency of request number `sent` counts.
  Clock::time_point Due(uint64_t sent) const {
    if (rate_ == 0) return Clock::now();
    const std::chrono::duration<double> after(static_cast<double>(sent) / rate_);
    return begin_ + std::chrono::duration_cast<Clock::duration>(after);
  }

 private:
  const double rate_;
  const Clock::time_point begin_;
};

// gRPC's clock for deadlines.
std::chrono::system_clock::time_point AsDeadline(Clock::time_point due) {
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(due - Clock::now());
}

// What both kinds of load keep.
struct Tally {
  Meter* meter;
  const Answered& answered;
  LoadTimes* times;

  void Add(Clock::time_point due, uint64_t records) const {
    const uint64_t micros = MicrosSince(due);
    times->latencies.push_back(micros);
    times->records += records;
    meter->latency.Add(micros);
    meter->done.fetch_add(records, std::memory_order_relaxed);
    answered(times->records);
  }
};

// One stream: at most one write and one read are under way at a time.
class StreamLoad {
 public:
  StreamLoad(const std::shared_ptr<grpc::Channel>& channel, RequestReader* requests,
             const LoadOptions& options, const Tally& tally)
      : requests_(*requests), options_(options), tally_(tally), stub_(channel) {}

  absl::Status Run() {
    stream_ = stub_.PrepareCall(&context_, "/unirust.RouterService/IngestRecordsStream", &queue_);
    stream_->StartCall(Tag(kStart));
    tally_.times->begin = Clock::now();
    schedule_.emplace(options_.rate, tally_.times->begin);
    const absl::Status status = Loop();
    if (!status.ok()) context_.TryCancel();
    void* tag = nullptr;
    bool ok = false;
    while ((reading_ || writing_ || !started_) && queue_.Next(&tag, &ok)) Forget(EventOf(tag));
    grpc::Status finished;
    stream_->Finish(&finished, Tag(kFinish));
    queue_.Next(&tag, &ok);
    queue_.Shutdown();
    while (queue_.Next(&tag, &ok)) {
    }
    tally_.times->end = Clock::now();
    if (!status.ok()) return status;
    UNIRUST_RETURN_IF_ERROR(proto::FromGrpc(finished));
    return due_.empty() ? absl::OkStatus()
                        : absl::InternalError("the stream ended before its last answer");
  }

 private:
  enum Event : intptr_t { kStart = 1, kWrite, kRead, kWritesDone, kFinish };
  static void* Tag(Event event) { return reinterpret_cast<void*>(event); }
  static Event EventOf(void* tag) { return static_cast<Event>(reinterpret_cast<intptr_t>(tag)); }

  // What is under way when the load has failed.
  void Forget(Event event) {
    if (event == kStart) started_ = true;
    if (event == kRead) reading_ = false;
    if (event == kWrite || event == kWritesDone) writing_ = false;
  }

  // Until nothing is to be read any more.
  absl::Status Loop() {
    while (reading_ || !started_) {
      UNIRUST_ASSIGN_OR_RETURN(const auto wait_until, WriteWhatIsDue());
      void* tag = nullptr;
      bool ok = false;
      const auto deadline =
          wait_until ? AsDeadline(*wait_until) : std::chrono::system_clock::time_point::max();
      if (queue_.AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) continue;
      UNIRUST_RETURN_IF_ERROR(Take(static_cast<Event>(reinterpret_cast<intptr_t>(tag)), ok));
    }
    return absl::OkStatus();
  }

  absl::Status Take(Event event, bool ok) {
    switch (event) {
      case kStart:
        started_ = true;
        reading_ = ok;
        if (ok) stream_->Read(&answer_, Tag(kRead));
        break;
      case kRead:
        reading_ = ok;
        if (!ok) break;
        UNIRUST_RETURN_IF_ERROR(Parse(&answer_, &parsed_));
        if (due_.empty()) return absl::InternalError("an answer to no chunk");
        tally_.Add(due_.front(), static_cast<uint64_t>(parsed_.assignments_size()));
        due_.pop_front();
        stream_->Read(&answer_, Tag(kRead));
        break;
      case kWrite:
      case kWritesDone:
      case kFinish:
        writing_ = false;
        break;
    }
    return absl::OkStatus();
  }

  // Returns when the next write is due if that is all it waits for.
  absl::StatusOr<std::optional<Clock::time_point>> WriteWhatIsDue() {
    if (!started_ || writing_ || ended_ || due_.size() >= options_.in_flight) return std::nullopt;
    const Clock::time_point due = schedule_->Due(sent_);
    bool more = !IsStopped(options_);
    if (more && due > Clock::now()) return due;
    grpc::ByteBuffer bytes;
    if (more) {
      UNIRUST_ASSIGN_OR_RETURN(more, requests_.Next(&bytes));
    }
    writing_ = true;
    if (more) {
      ++sent_;
      due_.push_back(due);
      stream_->Write(bytes, Tag(kWrite));
    } else {
      ended_ = true;
      stream_->WritesDone(Tag(kWritesDone));
    }
    return std::nullopt;
  }

  RequestReader& requests_;
  const LoadOptions& options_;
  const Tally& tally_;
  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  std::optional<Schedule> schedule_;
  grpc::ByteBuffer answer_;
  proto::IngestRecordsResponse parsed_;
  std::deque<Clock::time_point> due_;  // of the chunks that are not answered
  uint64_t sent_ = 0;
  bool started_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool ended_ = false;  // nothing more is written
  std::optional<Clock::time_point> stopped_;
};

// As many calls at a time as there are slots. The caller's thread sends, another one takes the
// answers.
class CallLoad {
 public:
  CallLoad(const std::shared_ptr<grpc::Channel>& channel, Method method, RequestReader* requests,
           const LoadOptions& options, const Tally& tally)
      : method_(method),
        requests_(*requests),
        options_(options),
        tally_(tally),
        stub_(channel),
        slots_(options.in_flight) {
    for (Slot& slot : slots_) free_.push_back(&slot);
  }

  absl::Status Run() {
    tally_.times->begin = Clock::now();
    Thread answers("load-answers", [this] { TakeAnswers(); });
    const absl::Status status = SendAll(Schedule(options_.rate, tally_.times->begin));
    WaitForAll();
    queue_.Shutdown();
    answers.Join();
    tally_.times->end = Clock::now();
    MutexLock lock(mutex_);
    return status.ok() ? failure_ : status;
  }

 private:
  struct Slot {
    std::optional<grpc::ClientContext> context;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> call;
    grpc::ByteBuffer answer;
    grpc::Status status;
    Clock::time_point due;
  };

  absl::Status SendAll(const Schedule& schedule) {
    grpc::ByteBuffer bytes;
    for (uint64_t sent = 0;; ++sent) {
      const Clock::time_point due = schedule.Due(sent);
      while (!IsStopped(options_) && Clock::now() < due) {
        std::this_thread::sleep_until(std::min(due, Clock::now() + kLook));
      }
      if (IsStopped(options_)) return absl::OkStatus();
      UNIRUST_ASSIGN_OR_RETURN(const bool more, requests_.Next(&bytes));
      if (!more) return absl::OkStatus();
      Slot* const slot = TakeSlot();
      if (slot == nullptr) return absl::OkStatus();
      slot->due = options_.rate == 0 ? Clock::now() : due;
      slot->call.reset();  // lies in the context's memory
      slot->context.emplace();
      slot->context->set_deadline(std::chrono::system_clock::now() + kCallTime);
      slot->call = stub_.PrepareUnaryCall(&*slot->context, Path(), bytes, &queue_);
      slot->call->StartCall();
      slot->call->Finish(&slot->answer, &slot->status, slot);
    }
  }

  // Null after a failure.
  Slot* TakeSlot() {
    MutexLock lock(mutex_);
    while (free_.empty() && failure_.ok()) changed_.Wait(mutex_);
    if (!failure_.ok()) return nullptr;
    Slot* const slot = free_.back();
    free_.pop_back();
    return slot;
  }

  void WaitForAll() {
    const Clock::time_point begin = Clock::now();
    MutexLock lock(mutex_);
    while (free_.size() < slots_.size()) {
      changed_.WaitFor(mutex_, std::chrono::microseconds(kLook).count());
      if (!IsStopped(options_) || Clock::now() - begin < kLastAnswers) continue;
      for (Slot& slot : slots_) {
        if (slot.context) slot.context->TryCancel();
      }
    }
  }

  void TakeAnswers() {
    void* tag = nullptr;
    for (bool ok = false; queue_.Next(&tag, &ok);) {
      auto* const slot = static_cast<Slot*>(tag);
      const absl::Status status = Take(slot);
      MutexLock lock(mutex_);
      if (failure_.ok()) failure_ = status;
      free_.push_back(slot);
      changed_.NotifyOne();
    }
  }

  absl::Status Take(Slot* slot) {
    UNIRUST_RETURN_IF_ERROR(proto::FromGrpc(slot->status));
    UNIRUST_ASSIGN_OR_RETURN(const uint64_t units, Units(&slot->answer));
    tally_.Add(slot->due, units);
    return absl::OkStatus();
  }

  const char* Path() const {
    switch (method_) {
      case Method::kIngestRecords:
        return "/unirust.RouterService/IngestRecords";
      case Method::kQueryEntities:
        return "/unirust.RouterService/QueryEntities";
      case Method::kGetEntity:
        break;
    }
    return "/unirust.RouterService/GetEntity";
  }

  // Records of an answer to an ingest; 1 of an answer to a query that found something.
  absl::StatusOr<uint64_t> Units(grpc::ByteBuffer* answer) {
    if (method_ == Method::kIngestRecords) {
      UNIRUST_RETURN_IF_ERROR(Parse(answer, &ingested_));
      return static_cast<uint64_t>(ingested_.assignments_size());
    }
    if (method_ == Method::kQueryEntities) {
      UNIRUST_RETURN_IF_ERROR(Parse(answer, &found_));
      if (found_.has_matches() && found_.matches().matches().empty()) {
        return absl::InternalError(
            "a query for what a record holds found nothing; were --of and --seed the same when the "
            "records were sent?");
      }
    }
    return 1;
  }

  const Method method_;
  RequestReader& requests_;
  const LoadOptions& options_;
  const Tally& tally_;
  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
  std::vector<Slot> slots_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<Slot*> free_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  proto::IngestRecordsResponse ingested_;  // of the thread that takes answers
  proto::QueryEntitiesResponse found_;
};

}  // namespace

absl::Status StreamRecords(const std::shared_ptr<grpc::Channel>& channel, RequestReader* requests,
                           const LoadOptions& options, Meter* meter, const Answered& answered,
                           LoadTimes* times) {
  const Tally tally{meter, answered, times};
  return StreamLoad(channel, requests, options, tally).Run();
}

absl::Status CallEach(const std::shared_ptr<grpc::Channel>& channel, Method method,
                      RequestReader* requests, const LoadOptions& options, Meter* meter,
                      const Answered& answered, LoadTimes* times) {
  const Tally tally{meter, answered, times};
  return CallLoad(channel, method, requests, options, tally).Run();
}

}  // namespace unirust::bench
