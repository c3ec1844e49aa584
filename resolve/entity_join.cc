#include "resolve/entity_join.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/limits.h"
#include "base/status_macros.h"
#include "base/thread.h"

namespace unirust::resolve {
namespace {

using store::Family;

constexpr uint32_t kShares = 4;
constexpr uint64_t kRecordsBetweenLooks = 4096;  // whether anybody still reads
constexpr int kStepsMax = 32;                    // to a record, before it is sought
constexpr uint64_t kRecordsWalked = 16384;  // whose blocks are read together
// Ranges of record ids, by their first bits: each thread sorts the places of one in memory, 50 kB for each million
// records of the store.
constexpr uint32_t kRangeShift = 24;
constexpr size_t kRanges = 256;
constexpr size_t kIdBufferBytes = 4U << 20U;
constexpr size_t kNameBufferBytes = 1U << 18U;

template <typename T>
std::string_view BytesOf(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

absl::Status Unreadable() {
  return absl::InternalError("a temporary file is not as it was written");
}

// The values in some pieces, each of which is one.
template <typename T>
absl::Status AppendValues(std::string_view pieces, std::vector<T>* out) {
  if (pieces.size() % sizeof(T) != 0) return Unreadable();
  const size_t known = out->size();
  out->resize(known + pieces.size() / sizeof(T));
  if (!pieces.empty()) std::memcpy(out->data() + known, pieces.data(), pieces.size());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<EntityJoin>> EntityJoin::Make(const ReadContext& context,
                                                             std::string_view after,
                                                             uint64_t records_at_once,
                                                             const std::atomic<bool>& stop) {
  std::unique_ptr<EntityJoin> join(new EntityJoin(context, records_at_once, stop));
  UNIRUST_RETURN_IF_ERROR(join->Begin(after));
  UNIRUST_RETURN_IF_ERROR(join->InParallel(&EntityJoin::TakeEntities));
  UNIRUST_RETURN_IF_ERROR(join->InParallel(&EntityJoin::TakeRecords));
  for (Share& share : join->shares_) {
    share.ids.reset();
    UNIRUST_RETURN_IF_ERROR(share.names->WriteBuffers());
    UNIRUST_RETURN_IF_ERROR(share.rows->WriteBuffers());
  }
  return join;
}

absl::Status EntityJoin::Begin(std::string_view after) {
  after_ = after;
  const auto behind = store::NameKey::Decode(after);
  const uint32_t first = behind ? SlotOf(behind->name) : 0;
  const uint32_t slots = limits::kSlots - first;
  for (uint32_t i = 0; i < kShares; ++i) {
    Share& share = shares_.emplace_back();
    share.slots = {.first = first + slots * i / kShares, .end = first + slots * (i + 1) / kShares};
    UNIRUST_ASSIGN_OR_RETURN(share.ids, ScratchStreams::Create(kIdBufferBytes / kShares));
    UNIRUST_ASSIGN_OR_RETURN(share.names, ScratchStreams::Create(kNameBufferBytes / kShares));
    UNIRUST_ASSIGN_OR_RETURN(share.rows,
                             ScratchStreams::Create(context_.sweep_bytes / 8 / kShares));
  }
  return absl::OkStatus();
}

absl::Status EntityJoin::InParallel(absl::Status (EntityJoin::*step)(size_t share)) {
  std::vector<Thread> threads;
  for (size_t i = 0; i < shares_.size(); ++i) {
    threads.emplace_back("join", [this, step, i] {
      GiveWay();
      shares_[i].status = (this->*step)(i);
      if (!shares_[i].status.ok()) failed_ = true;
    });
  }
  threads.clear();  // joins them
  absl::Status status;  // the others were cancelled for what one of them says
  for (const Share& share : shares_) {
    if (!absl::IsCancelled(share.status)) status.Update(share.status);
  }
  if (status.ok() && failed_) return absl::CancelledError("nobody reads on");
  return status;
}

// --- step 1 --------------------------------------------------------------------------------------

absl::Status EntityJoin::TakeEntities(size_t share) {
  const SlotRange slots = shares_[share].slots;
  if (slots.first == slots.end) return absl::OkStatus();
  const bool from_the_first = slots.first == shares_[0].slots.first;  // several may begin there, all but one empty
  EntityWalk walk(context_.reader, from_the_first ? after_ : "", slots);
  EntityBatch few(context_);
  const uint64_t records_max = std::min(kRecordsWalked, records_at_once_);
  const size_t bytes_max = context_.sweep_bytes / 8 / kShares;
  const auto has_room = [&] {
    return few.size() == 0 || (few.records() < records_max && few.bytes() < bytes_max);
  };
  do {
    if (Stopped()) return absl::CancelledError("nobody reads on");
    few.Clear();
    while (has_room() && walk.Next(&few)) {
    }
    UNIRUST_RETURN_IF_ERROR(walk.status());
    UNIRUST_RETURN_IF_ERROR(few.ReadBlocks());
    UNIRUST_RETURN_IF_ERROR(Take(few, share));
  } while (few.size() > 0);
  return absl::OkStatus();
}

absl::Status EntityJoin::Take(const EntityBatch& few, size_t share_number) {
  if (few.size() == 0) return absl::OkStatus();
  Share& share = shares_[share_number];
  if (share.batches.empty() || share.batches.back().records >= records_at_once_) {
    const size_t number = share.batches.size() * shares_.size() + share_number;
    share.batches.push_back({.number = number});
  }
  Batch& batch = share.batches.back();
  const auto place_of = [&](RecordId id, uint32_t entity) -> Place {
    return {.record = id.value(),
            .batch = static_cast<uint32_t>(batch.number),
            .entity = batch.entities + entity};
  };
  for (size_t i = 0; i < few.size(); ++i) {
    UNIRUST_RETURN_IF_ERROR(share.names->Append(batch.number, BytesOf(few.Name(i))));
  }
  for (const EntityBatch::Sought& sought : few.sought()) {
    const Place place = place_of(sought.id, sought.entity);
    UNIRUST_RETURN_IF_ERROR(share.ids->Append(place.record >> kRangeShift, BytesOf(place)));
  }
  for (const EntityBatch::Member& member : few.members()) {
    UNIRUST_RETURN_IF_ERROR(
        AddRow(place_of(member.id, member.entity), few.Row(member), &share));
  }
  batch.entities += static_cast<uint32_t>(few.size());
  batch.records += few.records();
  return absl::OkStatus();
}

// --- step 2 --------------------------------------------------------------------------------------

absl::Status EntityJoin::TakeRecords(size_t share) {
  const size_t first = kRanges * share / kShares;
  const size_t end = kRanges * (share + 1) / kShares;
  const RecordId first_id(static_cast<uint32_t>(first << kRangeShift));
  const auto records =
      context_.reader.Scan(Family::kRecords, store::RecordKey{first_id}.Encode(), "");
  for (size_t range = first; range < end; ++range) {
    std::vector<Place> places;
    uint64_t bytes = 0;
    for (const Share& each : shares_) bytes += each.ids->Bytes(range);
    places.reserve(bytes / sizeof(Place));
    for (const Share& each : shares_) {
      UNIRUST_RETURN_IF_ERROR(each.ids->Read(
          range, [&](std::string_view pieces) { return AppendValues(pieces, &places); }));
    }
    std::sort(places.begin(), places.end(),
              [](const Place& a, const Place& b) { return a.record < b.record; });
    uint64_t taken = 0;
    for (const Place& place : places) {
      if (taken++ % kRecordsBetweenLooks == 0 && Stopped()) {
        return absl::CancelledError("nobody reads on");
      }
      const std::string key = store::RecordKey{RecordId(place.record)}.Encode();
      for (int step = 0; records->Valid() && records->key() < key; ++step) {
        step < kStepsMax ? records->Next() : records->Seek(key);
      }
      UNIRUST_RETURN_IF_ERROR(records->status());
      if (!records->Valid() || records->key() != key) return store::Damaged(Family::kRecords, key);
      UNIRUST_RETURN_IF_ERROR(AddRow(place, records->value(), &shares_[share]));
    }
  }
  return absl::OkStatus();
}

absl::Status EntityJoin::AddRow(const Place& place, std::string_view row, Share* share) {
  const RowHead head{.entity = place.entity,
                     .record = place.record,
                     .bytes = static_cast<uint32_t>(row.size())};
  return share->rows->Append(place.batch, BytesOf(head), row);
}

// --- step 3 --------------------------------------------------------------------------------------

absl::Status EntityJoin::Next(EntityBatch* batch) {
  batch->Clear();
  if (parts_.empty()) {
    while (share_ < shares_.size() && next_batch_ == shares_[share_].batches.size()) {
      ++share_;
      next_batch_ = 0;
    }
    if (share_ == shares_.size()) return absl::OkStatus();
    UNIRUST_RETURN_IF_ERROR(Divide(shares_[share_].batches[next_batch_++], batch->bytes_max()));
  }
  const Batch& all = shares_[share_].batches[next_batch_ - 1];
  const Part part = parts_.front();
  parts_.pop_front();
  batch->Reserve();
  std::vector<BlockName> names;
  UNIRUST_RETURN_IF_ERROR(shares_[share_].names->Read(
      all.number, [&](std::string_view pieces) { return AppendValues(pieces, &names); }));
  if (names.size() != all.entities) return Unreadable();
  for (uint32_t i = part.first; i < part.last; ++i) batch->AddEntity(names[i]);
  UNIRUST_RETURN_IF_ERROR(ReadRows(all, [&](const RowHead& head, std::string_view row) {
    if (head.entity < part.first || head.entity >= part.last) return;
    batch->AddRow(head.entity - part.first, RecordId(head.record), row);
  }));
  return batch->Complete();
}

// A batch whose rows turned out too large is read in several parts.
absl::Status EntityJoin::Divide(const Batch& batch, size_t bytes_max) {
  constexpr uint64_t kBytesOfEntity = 16;  // beside its rows, in an EntityBatch
  constexpr uint64_t kBytesOfRow = sizeof(EntityBatch::Member);
  uint64_t bytes = batch.entities * kBytesOfEntity +
                   batch.records * (kBytesOfRow - sizeof(RowHead));
  for (const Share& share : shares_) bytes += share.rows->Bytes(batch.number);
  Part part{.first = 0, .last = batch.entities};
  if (bytes > bytes_max) {
    std::vector<uint64_t> bytes_of(batch.entities, kBytesOfEntity);
    UNIRUST_RETURN_IF_ERROR(ReadRows(batch, [&](const RowHead& head, std::string_view row) {
      if (head.entity < batch.entities) {
        bytes_of[head.entity] += row.size() + kBytesOfRow;
      }
    }));
    uint64_t sum = 0;
    for (uint32_t i = 0; i < batch.entities; ++i) {
      if (i > part.first && sum + bytes_of[i] > bytes_max) {
        part.last = i;
        parts_.push_back(part);
        part = {.first = i, .last = batch.entities};
        sum = 0;
      }
      sum += bytes_of[i];
    }
  }
  parts_.push_back(part);
  return absl::OkStatus();
}

absl::Status EntityJoin::ReadRows(
    const Batch& batch,
    absl::FunctionRef<void(const RowHead&, std::string_view row)> visit) const {
  const auto visit_all = [&](std::string_view pieces) {
    while (!pieces.empty()) {
      RowHead head;
      if (pieces.size() < sizeof(head)) return Unreadable();
      std::memcpy(&head, pieces.data(), sizeof(head));
      pieces.remove_prefix(sizeof(head));
      if (pieces.size() < head.bytes) return Unreadable();
      visit(head, pieces.substr(0, head.bytes));
      pieces.remove_prefix(head.bytes);
    }
    return absl::OkStatus();
  };
  for (const Share& share : shares_) {
    UNIRUST_RETURN_IF_ERROR(share.rows->Read(batch.number, visit_all));
  }
  return absl::OkStatus();
}

}  // namespace unirust::resolve
