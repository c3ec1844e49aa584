// Pages of a View as chunks of a stream.
#pragma once

#include <google/protobuf/arena.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "base/thread.h"
#include "proto/answers.h"
#include "shard/engine.h"
#include "shard/page_size.h"

namespace unirust::shard {

// The pages of a listing in their order, from the third on each read while the one before it is used. Who wants the
// first page alone waits for nothing else. One thread calls.
template <typename Fetch>
class PagesAhead {
 public:
  using Result = std::invoke_result_t<const Fetch&, size_t, const std::string&>;

  // `fetch(page_size, cursor)` reads a page; must outlive this. It is called by one thread at a time.
  PagesAhead(const Fetch& fetch, size_t page_size, std::string cursor)
      : fetch_(fetch), sizes_(page_size), cursor_(std::move(cursor)) {}

  ~PagesAhead() {
    {
      MutexLock lock(mutex_);
      stopped_ = true;
    }
    changed_.NotifyAll();
  }

  // Not to be called after an error, or a page without a cursor: it is the last.
  Result Next() {
    if (!begun_) return First();
    if (!thread_) thread_.emplace("read-ahead", [this] { ReadAll(); });
    MutexLock lock(mutex_);
    while (!ready_) changed_.Wait(mutex_);
    Result page = std::move(*ready_);
    ready_.reset();
    changed_.NotifyAll();
    return page;
  }

 private:
  Result First() {
    begun_ = true;
    Result page = fetch_(sizes_.Next(), cursor_);
    GoOnBehind(page);
    return page;
  }

  bool GoOnBehind(const Result& page) {
    if (!page.ok() || page->cursor.empty()) return false;
    cursor_ = page->cursor;
    return true;
  }

  void ReadAll() {
    GiveWay();
    for (bool more = true; more;) {
      Result page = fetch_(sizes_.Next(), cursor_);
      more = GoOnBehind(page);
      MutexLock lock(mutex_);
      while (ready_ && !stopped_) changed_.Wait(mutex_);
      if (stopped_) return;
      ready_.emplace(std::move(page));
      changed_.NotifyAll();
    }
  }

  const Fetch& fetch_;
  bool begun_ = false;
  // Of the next page, and the cursor of the last one read: the caller's until there is a thread, then that one's.
  PageSizes sizes_;
  std::string cursor_;
  Mutex mutex_;
  CondVar changed_;
  std::optional<Result> ready_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<Thread> thread_;  // joined before all else goes
};

// Sends all pages from `cursor` on. `fetch(page_size, cursor)` reads a page, `send(page)` sends it and says whether the
// client is still there. CANCELLED as soon as it has gone.
template <typename Fetch, typename Send>
absl::Status SendPages(size_t page_size, std::string cursor, const grpc::ServerContext& context,
                       const Fetch& fetch, const Send& send) {
  PagesAhead<Fetch> pages(fetch, PageSize(page_size), std::move(cursor));
  for (;;) {
    if (context.IsCancelled()) return absl::CancelledError("the client has gone");
    UNIRUST_ASSIGN_OR_RETURN(auto page, pages.Next());
    const bool last = page.cursor.empty();
    if (!send(std::move(page))) return absl::CancelledError("the client has gone");
    if (last) return absl::OkStatus();
  }
}

// The same for a listing of `view`, as chunks of a stream. `add(item, chunk)` puts an item into a chunk.
template <typename Request, typename Chunk, typename Fetch, typename Add>
absl::Status StreamPages(const View& view, const Request& request,
                         const grpc::ServerContext& context, grpc::ServerWriter<Chunk>& writer,
                         const Fetch& fetch, const Add& add) {
  return SendPages(request.page_size(), request.cursor(), context, fetch, [&](const auto& page) {
    google::protobuf::Arena arena;  // of all messages of the page
    Chunk& chunk = *google::protobuf::Arena::CreateMessage<Chunk>(&arena);
    for (const auto& item : page.items) add(item, &chunk);
    chunk.set_cursor(page.cursor);
    proto::AddMissing(view.missing(), &chunk);
    return writer.Write(chunk);
  });
}

}  // namespace unirust::shard
