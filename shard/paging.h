// Pages of a View as chunks of a stream. A page counts items, a message is limited in bytes: the
// page size follows the size of what was read last, and a page whose message came out too large is
// read again in smaller steps.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace unirust::shard {

// Number of items of a page. Not thread-safe.
class PageSize {
 public:
  // 0: the default; large numbers: limits::kPageItemsMax.
  explicit PageSize(size_t requested)
      : max_(requested == 0 ? limits::kPageItemsDefault
                            : std::min(requested, limits::kPageItemsMax)),
        items_(std::min(max_, kFirstItems)) {}

  size_t items() const { return items_; }

  // Chooses the next size after a page of items() items made a message of `bytes`. False if that
  // message must not be sent: the page is to be read again. One item is sent whatever its size.
  bool Accept(size_t bytes) {
    const bool fits = bytes <= limits::kUnaryAnswerBytesMax || items_ == 1;
    const size_t half_full =
        items_ * (limits::kUnaryAnswerBytesMax / 2) / std::max<size_t>(bytes, 1);
    items_ = std::clamp<size_t>(half_full, 1, fits ? max_ : items_ / 2);
    return fits;
  }

 private:
  static constexpr size_t kFirstItems = 100;  // before anything is known about their size

  size_t max_;
  size_t items_;
};

// Sends all pages from `cursor` on. `fetch(page_size, cursor)` reads a page, `add(item, chunk)`
// puts an item into a chunk. CANCELLED as soon as the client has gone.
template <typename Chunk, typename Fetch, typename Add>
absl::Status StreamPages(PageSize page_size, std::string cursor, const grpc::ServerContext& context,
                         grpc::ServerWriter<Chunk>& writer, const Fetch& fetch, const Add& add) {
  for (;;) {
    if (context.IsCancelled()) return absl::CancelledError("the client has gone");
    UNIRUST_ASSIGN_OR_RETURN(auto page, fetch(page_size.items(), cursor));
    Chunk chunk;
    for (const auto& item : page.items) add(item, &chunk);
    chunk.set_cursor(page.cursor);
    if (!page_size.Accept(chunk.ByteSizeLong())) continue;
    if (!writer.Write(chunk)) return absl::CancelledError("the client has gone");
    cursor = std::move(page.cursor);
    if (cursor.empty()) return absl::OkStatus();
  }
}

}  // namespace unirust::shard
