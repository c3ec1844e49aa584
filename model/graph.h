// The graph (semantics.md, 9) item by item, as views: an export makes millions of items, and none of them is kept. What
// an item views is somebody else's, and is there while the item is handed on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "model/answers.h"
#include "model/time.h"

namespace unirust {

struct DescriptorView {
  std::string_view attribute;
  std::string_view value;
  Interval interval;
};

struct GraphRecord {
  RecordId id;
  std::string_view entity_type;
  std::string_view perspective;
  std::string_view uid;
  int64_t version = 0;
  std::string_view entity_name;  // in neighbourhoods; in the whole graph empty
  std::span<const DescriptorView> descriptors;
};

struct GraphEntity {
  std::string_view name;  // its id
  std::string_view entity_type;
  std::span<const std::string_view> records;  // names, canonical order
  std::span<const DescriptorView> golden;
};

struct GraphSameAs {
  std::string_view source;  // record name, the first of the two in canonical order
  std::string_view target;
  std::string_view key;
  std::span<const std::string_view> values;
  Interval interval;
};

// Takes the items of a page in their order.
class GraphSink {
 public:
  virtual ~GraphSink() = default;

  // Each returns the bytes that the item takes in a message.
  virtual size_t Add(const GraphRecord& record) = 0;
  virtual size_t Add(const GraphEntity& entity) = 0;
  virtual size_t Add(const GraphSameAs& edge) = 0;
  virtual size_t Add(const Conflict& conflict) = 0;
  virtual size_t Add(const Generic& generic) = 0;

  // The last item is for another page. Not twice in turn.
  virtual void TakeBack() = 0;
};

}  // namespace unirust
