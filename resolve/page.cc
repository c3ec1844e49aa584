#include "resolve/page.h"

#include <string>
#include <vector>

namespace unirust::resolve {
namespace {

// Tags, lengths and numbers of one message or one text in it: more than they ever take.
constexpr size_t kMessageBytes = 40;
constexpr size_t kTextBytes = 8;

size_t TextsBytes(const std::vector<std::string>& texts) {
  size_t bytes = 0;
  for (const std::string& text : texts) bytes += kTextBytes + text.size();
  return bytes;
}

size_t DescriptorsBytes(const std::vector<Descriptor>& descriptors) {
  size_t bytes = 0;
  for (const Descriptor& d : descriptors) bytes += MessageBytes(d);
  return bytes;
}

// A record name writes a byte of an identity in three at most.
size_t NameBytes(const Identity& identity) {
  return kTextBytes + 3 * (identity.entity_type.size() + identity.perspective.size() +
                           identity.uid.size());
}

size_t RefBytes(const EntityRef& ref) {
  return kMessageBytes + ref.name.size() + ref.entity_type.size() + ref.strongest_key.size();
}

}  // namespace

size_t MessageBytes(const Descriptor& d) {
  return kMessageBytes + d.attribute.size() + d.value.size();
}

size_t MessageBytes(const RecordView& view) {
  const Identity& identity = view.record.identity;
  return 2 * kMessageBytes + identity.entity_type.size() + identity.perspective.size() +
         identity.uid.size() + view.entity_name.size() + DescriptorsBytes(view.record.descriptors);
}

size_t MessageBytes(const Match& match) {
  return kMessageBytes + RefBytes(match.entity) + DescriptorsBytes(match.golden);
}

size_t MessageBytes(const Conflict& conflict) {
  size_t bytes = 3 * kMessageBytes + conflict.attribute.size() + conflict.cause.size() +
                 conflict.entity_type.size() + conflict.key.size() + TextsBytes(conflict.values) +
                 2 * TextsBytes(conflict.entities);
  for (const Identity& record : conflict.records) {  // once as an address, once as a node's name
    bytes += kMessageBytes + record.perspective.size() + record.uid.size() + NameBytes(record);
  }
  return bytes;
}

size_t TextBytes(const store::RecordRow& record) {
  size_t bytes = sizeof(record) + record.uid.size();
  for (const store::StoredDescriptor& d : record.descriptors) bytes += sizeof(d) + d.value.size();
  return bytes;
}

}  // namespace unirust::resolve
