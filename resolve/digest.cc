#include "resolve/digest.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "resolve/graph.h"
#include "store/keys.h"
#include "store/slots.h"

namespace unirust::resolve {
namespace {

// Takes the records of an entity, then the entity. An item counts only once the next one came, or the end: until then
// it may be taken back.
class DigestSink final : public GraphSink {
 public:
  size_t Add(const GraphRecord& record) override {
    Settle();
    Member member;
    member.slot = *store::SlotOf(store::Family::kRecords, store::RecordKey{record.id}.Encode());
    AppendString(&member.identity, record.entity_type);
    AppendString(&member.identity, record.perspective);
    AppendString(&member.identity, record.uid);
    bytes_ = member.identity;
    for (const DescriptorView& descriptor : record.descriptors) {
      AppendString(&bytes_, descriptor.attribute);
      AppendString(&bytes_, descriptor.value);
      AppendBigSigned64(&bytes_, descriptor.interval.start);
      AppendBigSigned64(&bytes_, descriptor.interval.end);
    }
    member.content = Hash128("record", bytes_);
    last_record_ = std::move(member);
    return 0;
  }

  size_t Add(const GraphEntity& entity) override {
    Settle();
    last_entity_ = std::string(entity.name);
    return 0;
  }

  size_t Add(const GraphSameAs&) override { return 0; }
  size_t Add(const Conflict&) override { return 0; }
  size_t Add(const Generic&) override { return 0; }

  void TakeBack() override {
    last_record_.reset();
    last_entity_.reset();
  }

  // What was handed on last stays.
  void Settle() {
    if (last_record_) {
      ++digest_.records;
      digest_.slots[last_record_->slot] += last_record_->content;
      members_.push_back(std::move(*last_record_));
    }
    if (last_entity_) {
      ++digest_.entities;
      for (const Member& member : members_) {
        bytes_ = member.identity;
        AppendString(&bytes_, *last_entity_);
        digest_.slots[member.slot] += Hash128("member", bytes_);
      }
      members_.clear();
    }
    TakeBack();
  }

  const StoreDigest& digest() const { return digest_; }

 private:
  struct Member {
    uint16_t slot = 0;
    absl::uint128 content;
    std::string identity;
  };

  static absl::uint128 Hash128(std::string_view kind, std::string& bytes) {
    AppendString(&bytes, kind);  // no record is taken for a pair
    return unirust::Hash128(bytes);
  }

  StoreDigest digest_;
  std::vector<Member> members_;  // of the entity that comes next
  std::optional<Member> last_record_;
  std::optional<std::string> last_entity_;
  std::string bytes_;
};

}  // namespace

absl::StatusOr<StoreDigest> DigestOf(const ReadContext& context,
                                     absl::FunctionRef<bool(uint64_t records)> go_on) {
  UNIRUST_ASSIGN_OR_RETURN(
      const auto pages,
      GraphPages::From(context, {GraphPart::kRecord, GraphPart::kEntity}, ""));
  DigestSink sink;
  do {
    // Nothing is kept of a page, so it ends between entities: in the middle of one it would cost a cursor.
    UNIRUST_RETURN_IF_ERROR(pages->Next(~size_t{0}, &sink).status());
    if (!go_on(sink.digest().records)) return absl::CancelledError("the digest was given up");
  } while (!pages->cursor().empty());
  sink.Settle();
  return sink.digest();
}

}  // namespace unirust::resolve
