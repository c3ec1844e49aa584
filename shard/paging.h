// Pages of a View as chunks of a stream.
#pragma once

#include <google/protobuf/arena.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "shard/page_size.h"

namespace unirust::shard {

// Items of the first page of a stream, so that it comes soon.
inline constexpr size_t kFirstPageItems = 100;

// Sends all pages from `cursor` on. `fetch(page_size, cursor)` reads a page, `add(item, chunk)`
// puts an item into a chunk. CANCELLED as soon as the client has gone.
template <typename Chunk, typename Fetch, typename Add>
absl::Status StreamPages(size_t page_size, std::string cursor, const grpc::ServerContext& context,
                         grpc::ServerWriter<Chunk>& writer, const Fetch& fetch, const Add& add) {
  page_size = PageSize(page_size);
  for (size_t items = std::min(page_size, kFirstPageItems);; items = page_size) {
    if (context.IsCancelled()) return absl::CancelledError("the client has gone");
    UNIRUST_ASSIGN_OR_RETURN(auto page, fetch(items, cursor));
    google::protobuf::Arena arena;  // of all messages of the page
    Chunk& chunk = *google::protobuf::Arena::CreateMessage<Chunk>(&arena);
    for (const auto& item : page.items) add(item, &chunk);
    chunk.set_cursor(page.cursor);
    if (!writer.Write(chunk)) return absl::CancelledError("the client has gone");
    cursor = std::move(page.cursor);
    if (cursor.empty()) return absl::OkStatus();
  }
}

}  // namespace unirust::shard
