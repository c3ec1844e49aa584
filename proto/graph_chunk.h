// The bytes of ExportGraph's chunks, without messages in between: an export is millions of small texts, and each would
// be an object of its own on both sides. What is written here is what the messages of the contract write.
//
//   GraphChunkWriter chunk;
//   chunk.Add(GraphRecord{...});
//   ByteBuffer bytes = chunk.Finish(cursor);         // an ExportGraphChunk
//
//   GraphItemReader reader;
//   bool sound = ForEachItem(bytes.view(), [&](std::string_view item) { return reader.Read(item); });
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/byte_buffer.h"
#include "model/graph.h"
#include "proto/unirust.pb.h"

namespace unirust::proto {

class GraphChunkWriter final : public GraphSink {
 public:
  size_t Add(const GraphRecord& record) override;
  size_t Add(const unirust::GraphEntity& entity) override;
  size_t Add(const unirust::GraphSameAs& edge) override;
  size_t Add(const Conflict& conflict) override;
  size_t Add(const Generic& generic) override;
  void TakeBack() override { bytes_.CutTo(item_); }

  // The chunk. The writer is as new.
  ByteBuffer Finish(std::string_view cursor);

 private:
  size_t Add(const GraphItem& item);
  size_t Added() const { return bytes_.size() - item_; }

  ByteBuffer bytes_;
  size_t item_ = 0;  // where the last item begins
};

// Calls `take` with the bytes of each GraphItem of an ExportGraphChunk, until it returns false. False then, and if the
// chunk does not decode.
bool ForEachItem(std::string_view chunk, absl::FunctionRef<bool(std::string_view item)> take);

// What a GraphItem holds, as views into its bytes, which must outlive them.
class GraphItemReader {
 public:
  // False if they do not decode.
  bool Read(std::string_view item);

  GraphItem::ItemCase kind() const { return kind_; }
  // Each only where kind() says so; until the next Read.
  const GraphRecord& record() const { return record_; }
  const unirust::GraphEntity& entity() const { return entity_; }
  const unirust::GraphSameAs& same_as() const { return same_as_; }

 private:
  bool ReadRecord(std::string_view bytes);
  bool ReadEntity(std::string_view bytes);
  bool ReadSameAs(std::string_view bytes);
  bool AddDescriptor(std::string_view bytes);

  GraphItem::ItemCase kind_ = GraphItem::ITEM_NOT_SET;
  GraphRecord record_;
  unirust::GraphEntity entity_;
  unirust::GraphSameAs same_as_;
  std::vector<DescriptorView> descriptors_;
  std::vector<std::string_view> texts_;
};

}  // namespace unirust::proto
