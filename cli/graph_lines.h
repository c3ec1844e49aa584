// The lines of the canonical export (semantics.md, 11), straight from the bytes of the items: there are millions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/byte_buffer.h"
#include "model/graph.h"
#include "proto/graph_chunk.h"

namespace unirust::cli {

// {"attr": ..., "end": ..., "start": ..., "value": ...}; most of what is ever printed. Written at `to`, where there is
// room for DescriptorRoom(descriptor) bytes; returns its end.
char* WriteDescriptor(const DescriptorView& descriptor, char* to);
size_t DescriptorRoom(const DescriptorView& descriptor);

// Not thread-safe.
class GraphLines {
 public:
  // Appends the line of a GraphItem with its newline. INTERNAL if the bytes do not decode.
  absl::Status Append(std::string_view item, ByteBuffer* lines);

 private:
  proto::GraphItemReader reader_;
  std::string name_;  // of a record
};

}  // namespace unirust::cli
