#include "cli/ingest/sender.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/sleep.h"
#include "base/status_macros.h"
#include "base/thread.h"

namespace unirust::cli {
namespace {

// A server that has too much to do is given time, but not for ever.
constexpr int kBusyTriesMax = 10;
constexpr uint64_t kBusyWaitFirstMicros = 100'000;
constexpr uint64_t kBusyWaitMicrosMax = 5'000'000;

}  // namespace

// Sends what is unanswered, then what the source still has, while another thread takes the answers.
class Sender::Attempt {
 public:
  explicit Attempt(Sender* sender)
      : sender_(sender), stream_(sender->client_->stub().IngestRecordsStream(&context_)) {
    receiver_ = Thread("ingest-answers", [this] { Receive(); });
  }

  // OK if everything was answered. `*source_status` is the source's error, if it had one.
  absl::Status Run(ChunkSource& source, absl::Status* source_status) {
    while (const std::shared_ptr<const Chunk> chunk = NextToSend(source, source_status)) {
      if (!stream_->Write(chunk->message)) break;
    }
    stream_->WritesDone();
    receiver_.Join();
    const absl::Status status = sender_->client_->Explain(stream_->Finish(), context_);
    UNIRUST_RETURN_IF_ERROR(mismatch_);
    UNIRUST_RETURN_IF_ERROR(status);
    MutexLock lock(sender_->mutex_);
    return sender_->unanswered_.empty()
               ? absl::OkStatus()
               : absl::InternalError("the server ended the stream with chunks unanswered");
  }

  bool made_progress() const { return answers_ > 0; }

 private:
  // The chunk to send next; null if there is none or the stream has ended.
  std::shared_ptr<const Chunk> NextToSend(ChunkSource& source, absl::Status* source_status) {
    {
      MutexLock lock(sender_->mutex_);
      while (sent_ >= sender_->options_.in_flight_max && !ended_) {
        sender_->changed_.Wait(sender_->mutex_);
      }
      if (ended_) return nullptr;
      if (sent_ < sender_->unanswered_.size()) return sender_->unanswered_[sent_++];
    }
    const auto chunk = std::make_shared<Chunk>();
    const absl::StatusOr<bool> more = source.Next(chunk.get());
    *source_status = more.status();
    if (!more.ok() || !*more) return nullptr;
    MutexLock lock(sender_->mutex_);
    sender_->unanswered_.push_back(chunk);
    ++sent_;
    return chunk;
  }

  void Receive() {
    proto::IngestRecordsResponse response;
    while (stream_->Read(&response)) {
      if (!Take(response)) {
        context_.TryCancel();
        break;
      }
    }
    MutexLock lock(sender_->mutex_);
    ended_ = true;
    sender_->changed_.NotifyAll();
  }

  bool Take(const proto::IngestRecordsResponse& response) {
    {
      MutexLock lock(sender_->mutex_);
      const bool expected = sent_ > 0 && static_cast<size_t>(response.assignments_size()) ==
                                             sender_->unanswered_.front()->lines.size();
      if (!expected) {
        mismatch_ = absl::InternalError("the server answered for records that were not sent");
        return false;
      }
    }
    ++answers_;
    sender_->Count(response);
    sender_->Answered(&sent_);
    return true;
  }

  Sender* const sender_;
  grpc::ClientContext context_;
  const std::unique_ptr<
      grpc::ClientReaderWriter<proto::IngestRecordsChunk, proto::IngestRecordsResponse>>
      stream_;
  size_t sent_ =
      0;  // of the unanswered chunks, how many this stream carries; guarded by the sender's mutex
  bool ended_ = false;     // no more answers come; guarded by the sender's mutex
  size_t answers_ = 0;     // written by the receiver only, read after it ended
  absl::Status mismatch_;  // as above
  Thread receiver_;        // last: uses all of the above
};

Sender::Sender(Client* client, Options options, OnAnswer on_answer, Report report)
    : client_(client),
      options_(options),
      on_answer_(std::move(on_answer)),
      report_(std::move(report)) {}

absl::Status Sender::Run(ChunkSource& source) {
  absl::Status source_status;
  int busy_tries = 0;
  uint64_t busy_wait_micros = kBusyWaitFirstMicros;
  for (;;) {
    Attempt attempt(this);
    const absl::Status status = attempt.Run(source, &source_status);
    if (status.ok()) return source_status;
    if (attempt.made_progress()) {
      busy_tries = 0;
      busy_wait_micros = kBusyWaitFirstMicros;
    }
    std::shared_ptr<const Chunk> oldest;
    {
      MutexLock lock(mutex_);
      if (!unanswered_.empty()) oldest = unanswered_.front();
    }
    if (oldest != nullptr && absl::IsInvalidArgument(status)) {
      UNIRUST_RETURN_IF_ERROR(Settle(*oldest, 0, oldest->lines.size()));
      Answered(nullptr);
    } else if (absl::IsResourceExhausted(status) && ++busy_tries < kBusyTriesMax) {
      SleepMicros(busy_wait_micros);
      busy_wait_micros = std::min(2 * busy_wait_micros, kBusyWaitMicrosMax);
    } else {
      return status;
    }
  }
}

Tally Sender::tally() const {
  MutexLock lock(mutex_);
  return tally_;
}

// Sends the records [begin, end) of a chunk by themselves, and in halves if they are refused.
absl::Status Sender::Settle(const Chunk& chunk, size_t begin, size_t end) {
  proto::IngestRecordsRequest request;
  for (size_t i = begin; i < end; ++i) {
    proto::RecordInput* record = request.add_records();
    *record = chunk.message.records(static_cast<int>(i));
    record->set_index(static_cast<uint32_t>(i - begin));
  }
  proto::IngestRecordsResponse response;
  const absl::Status status = client_->Call(&Router::IngestRecords, request, &response);
  if (status.ok()) {
    Count(response);
    return status;
  }
  if (!absl::IsInvalidArgument(status)) return status;
  if (end - begin > 1) {
    const size_t middle = begin + (end - begin) / 2;
    UNIRUST_RETURN_IF_ERROR(Settle(chunk, begin, middle));
    return Settle(chunk, middle, end);
  }
  {
    MutexLock lock(mutex_);
    ++tally_.read;
    ++tally_.refused;
  }
  const std::string message = chunk.file + ": line " + std::to_string(chunk.lines[begin]) + ": " +
                              std::string(status.message());
  if (!options_.keep_going) return absl::InvalidArgumentError(message);
  report_(message);
  return absl::OkStatus();
}

void Sender::Count(const proto::IngestRecordsResponse& response) {
  MutexLock lock(mutex_);
  for (const proto::IngestAssignment& assignment : response.assignments()) {
    ++tally_.read;
    switch (assignment.outcome()) {
      case proto::WRITE_OUTCOME_UNCHANGED:
        ++tally_.unchanged;
        break;
      case proto::WRITE_OUTCOME_STALE:
        ++tally_.stale;
        break;
      default:
        ++tally_.applied;
    }
  }
}

// The oldest unanswered chunk is done with.
void Sender::Answered(size_t* sent) {
  std::shared_ptr<const Chunk> chunk;
  Tally tally;
  {
    MutexLock lock(mutex_);
    chunk = unanswered_.front();
    unanswered_.pop_front();
    if (sent != nullptr) --*sent;
    tally = tally_;
    changed_.NotifyAll();
  }
  on_answer_(*chunk, tally);
}

}  // namespace unirust::cli
