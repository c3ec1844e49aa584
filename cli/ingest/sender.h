// Sends chunks through RouterService.IngestRecordsStream with a bounded number of them unanswered.
// A chunk that the server refuses is sent again in halves, so that exactly the records at fault are
// found and the others go in; after that the stream is opened again where it broke. Everything sent
// twice is the same write in the same order, which changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/mutex.h"
#include "cli/client.h"
#include "cli/ingest/chunk_source.h"

namespace unirust::cli {

// What became of the records.
struct Tally {
  uint64_t read = 0;  // answered for, in whatever way
  uint64_t applied = 0;
  uint64_t unchanged = 0;
  uint64_t stale = 0;
  uint64_t refused = 0;  // by the server
};

// Run is for one thread; `on_answer` and `report` are called from it and from one other, never at
// the same time.
class Sender {
 public:
  struct Options {
    size_t in_flight_max = 4;
    bool keep_going = false;  // after a record that the server refuses
  };
  using OnAnswer = std::function<void(const Chunk& answered, const Tally& so_far)>;
  using Report = std::function<void(const std::string& refused)>;

  // `client` must outlive the sender.
  Sender(Client* client, Options options, OnAnswer on_answer, Report report);

  // Sends all that the source has. INVALID_ARGUMENT at the first record that the server refuses
  // (without keep_going), or the source's own error once everything before it is acknowledged; the
  // status of a broken connection otherwise.
  absl::Status Run(ChunkSource& source);

  Tally tally() const;

 private:
  class Attempt;  // one stream

  absl::Status Settle(const Chunk& chunk, size_t begin, size_t end);
  void Count(const proto::IngestRecordsResponse& response);
  // Takes the oldest chunk off the unanswered ones, and at the same time off the `*sent` ones of a
  // stream, if there is one.
  void Answered(size_t* sent);

  Client* const client_;
  const Options options_;
  const OnAnswer on_answer_;
  const Report report_;

  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<std::shared_ptr<const Chunk>> unanswered_ ABSL_GUARDED_BY(mutex_);  // oldest first
  Tally tally_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unirust::cli
