#include "resolve/graph.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "resolve/cursor.h"
#include "resolve/links.h"
#include "resolve/listings.h"

namespace unirust::resolve {
namespace {

using store::Family;
using store::NameOf;

const std::vector<GraphPart> kAllParts = {GraphPart::kRecord, GraphPart::kEntity,
                                          GraphPart::kConflict, GraphPart::kSameAs,
                                          GraphPart::kGeneric};

// The same_as edges of one run: each piece to the earlier piece of its entity that ends last.
void AddRunEdges(EntityReader& reader, const GroupState& group, const std::vector<Piece>& run,
                 const std::set<BlockName>* only, std::vector<GraphItem>* out) {
  struct Furthest {
    Instant end;
    RecordId record;
  };
  std::map<BlockName, Furthest> furthest;
  Names& names = reader.names();
  WorkingSet& rows = reader.rows();
  for (const Piece& piece : run) {
    const BlockName entity = reader.EntityOf(piece.record);
    if (only != nullptr && !only->contains(entity)) continue;
    const auto [it, inserted] =
        furthest.emplace(entity, Furthest{piece.interval.end, piece.record});
    if (inserted) continue;
    Furthest& far = it->second;
    if (piece.interval.start < far.end) {
      Identity a = names.IdentityOf(rows.Record(far.record).row.now());
      Identity b = names.IdentityOf(rows.Record(piece.record).row.now());
      if (b < a) std::swap(a, b);
      out->push_back(SameAs{RecordName(a),
                            RecordName(b),
                            rows.rules().keys()[group.key.identity_key].name,
                            group.values,
                            {piece.interval.start, std::min(piece.interval.end, far.end)}});
    }
    if (piece.interval.end > far.end) far = {piece.interval.end, piece.record};
  }
}

// Pieces of equal times stand in canonical order of their records (semantics.md, 4.3), not of their ids.
void SortPieces(EntityReader& reader, std::vector<Piece>& pieces) {
  std::vector<std::tuple<Interval, std::string, std::string_view, RecordId>> order;
  for (const Piece& piece : pieces) {
    const RecordRow& row = reader.rows().Record(piece.record).row.now();
    order.emplace_back(piece.interval, reader.names().Text(row.perspective), row.uid, piece.record);
  }
  std::sort(order.begin(), order.end());
  for (size_t i = 0; i < pieces.size(); ++i) {
    pieces[i] = {std::get<0>(order[i]), std::get<3>(order[i])};
  }
}

void AddGroupEdges(EntityReader& reader, const GroupState& group, const std::set<BlockName>* only,
                   std::vector<GraphItem>* out) {
  if (group.row.now().edges == 0) return;
  const std::span<const Piece> evidence = reader.rows().Evidence(group, group.row.now());
  std::vector<Piece> pieces(evidence.begin(), evidence.end());
  SortPieces(reader, pieces);
  for (const auto& [first, last] : Chains(std::span<const Piece>(pieces))) {
    AddRunEdges(reader, group,
                {pieces.begin() + static_cast<ptrdiff_t>(first),
                 pieces.begin() + static_cast<ptrdiff_t>(last)},
                only, out);
  }
}

void AddGeneric(EntityReader& reader, const GroupState& group, std::vector<GraphItem>* out) {
  WorkingSet& rows = reader.rows();
  if (group.row.now().pieces.empty() || !rows.Evidence(group, group.row.now()).empty()) return;
  std::set<RecordId> records;
  for (const Piece& piece : group.row.now().pieces) records.insert(piece.record);
  out->push_back(Generic{reader.names().Text(group.key.entity_type),
                         rows.rules().keys()[group.key.identity_key].name, group.values,
                         records.size()});
}

// Adds one part of the graph to a page, from a position on; returns the position to go on behind, empty at the end of
// the part. The page is not full yet.
class PartExport {
 public:
  PartExport(const ReadContext& context, GraphPart part, size_t page_size)
      : context_(context), part_(part), page_size_(page_size) {}

  absl::StatusOr<std::string> Run(std::string_view after, std::vector<GraphItem>* out) {
    if (part_ == GraphPart::kConflict) return Conflicts(after, out);
    const bool records = part_ == GraphPart::kRecord || part_ == GraphPart::kEntity;
    const auto rows = context_.reader.Scan(records ? Family::kRecords : Family::kGroups, "", "");
    if (!after.empty()) {
      rows->Seek(after);
      if (rows->Valid() && rows->key() == after) rows->Next();
    }
    EntityReader reader(context_);
    std::string last;
    for (size_t seen = 0; rows->Valid(); rows->Next(), ++seen) {
      // A page also ends where much was read and little of it was wanted, to bound the reader's cache.
      if (out->size() >= page_size_ || seen >= limits::kPageItemsMax) return last;
      UNIRUST_RETURN_IF_ERROR(records ? AddRecord(reader, *rows, out)
                                      : AddGroup(reader, *rows, out));
      last = rows->key();
    }
    UNIRUST_RETURN_IF_ERROR(rows->status());
    return std::string();
  }

 private:
  absl::Status AddRecord(EntityReader& reader, const store::Cursor& row,
                         std::vector<GraphItem>* out) {
    const auto key = store::RecordKey::Decode(row.key());
    if (!key) return store::Damaged(Family::kRecords, row.key());
    if (!reader.rows().Record(key->record).live_now) return reader.status();
    if (part_ == GraphPart::kRecord) {
      UNIRUST_ASSIGN_OR_RETURN(RecordView view, reader.View(key->record));
      out->push_back(std::move(view));
      return absl::OkStatus();
    }
    const BlockName name = reader.EntityOf(key->record);
    if (reader.FirstOf(name) != key->record) return reader.status();
    UNIRUST_ASSIGN_OR_RETURN(const Entity entity, reader.Load(name));
    UNIRUST_ASSIGN_OR_RETURN(EntityView view, reader.View(entity));
    out->push_back(std::move(view));
    return absl::OkStatus();
  }

  absl::Status AddGroup(EntityReader& reader, const store::Cursor& row,
                        std::vector<GraphItem>* out) {
    const GroupState& group = reader.rows().Group(std::string(row.key()));
    UNIRUST_RETURN_IF_ERROR(reader.status());
    if (part_ == GraphPart::kSameAs) {
      AddGroupEdges(reader, group, nullptr, out);
    } else {
      AddGeneric(reader, group, out);
    }
    return reader.status();
  }

  absl::StatusOr<std::string> Conflicts(std::string_view after, std::vector<GraphItem>* out) {
    UNIRUST_ASSIGN_OR_RETURN(Page<Conflict> page,
                             ListConflicts(context_, {}, page_size_ - out->size(), after));
    for (Conflict& entry : page.items) out->push_back(std::move(entry));
    return page.cursor;
  }

  const ReadContext& context_;
  GraphPart part_;
  size_t page_size_;
};

// The conflicts that the rows of one owner name, if they list one of `names`.
absl::Status AddOwned(const ReadContext& context, const std::string& owner,
                      const std::set<std::string>& names, std::map<std::string, Conflict>* out) {
  std::string bytes;
  UNIRUST_ASSIGN_OR_RETURN(const bool found,
                           context.reader.Get(Family::kConflictOwners, owner, &bytes));
  if (!found) return absl::OkStatus();
  store::ConflictOwnerRow row;
  if (!store::ConflictOwnerRow::Decode(bytes, &row)) {
    return store::Damaged(Family::kConflictOwners, owner);
  }
  for (const std::string& key : row.keys) {
    std::string value;
    UNIRUST_ASSIGN_OR_RETURN(const bool there, context.reader.Get(Family::kConflicts, key, &value));
    if (!there) return store::Damaged(Family::kConflicts, key);
    UNIRUST_ASSIGN_OR_RETURN(Conflict entry, DecodeConflict(key, value));
    const bool ours = std::any_of(entry.records.begin(), entry.records.end(), [&](const auto& r) {
      return names.contains(RecordName(r));
    });
    if (ours) out->emplace(key, std::move(entry));
  }
  return absl::OkStatus();
}

class NeighbourhoodExport {
 public:
  explicit NeighbourhoodExport(const ReadContext& context) : context_(context), reader_(context) {}

  absl::Status Choose(const std::vector<Identity>& records) {
    for (const Identity& record : records) {
      UNIRUST_ASSIGN_OR_RETURN(Entity entity, EntityOfRecord(reader_, record));
      if (!names_.insert(entity.name).second) continue;
      records_ += entity.ids.size();
      if (records_ > limits::kNeighbourhoodRecordsMax) {
        return absl::ResourceExhaustedError(
            "these entities have more than " + std::to_string(limits::kNeighbourhoodRecordsMax) +
            " records: choose fewer, or export the whole graph");
      }
      entities_.push_back(std::move(entity));
    }
    std::sort(entities_.begin(), entities_.end(),
              [](const Entity& a, const Entity& b) { return a.ref.name < b.ref.name; });
    for (const Entity& entity : entities_) {
      for (const RecordId id : entity.ids) {
        for (uint16_t key = 0; key < reader_.rows().rules().levels(); ++key) {
          for (GroupState* group : reader_.rows().GroupsOf(id, key)) {
            groups_.emplace(group->encoded_key, group);
          }
        }
      }
    }
    return reader_.status();
  }

  absl::Status Add(GraphPart part, std::vector<GraphItem>* out) {
    switch (part) {
      case GraphPart::kRecord:
      case GraphPart::kEntity:
        for (const Entity& entity : entities_) {
          UNIRUST_ASSIGN_OR_RETURN(EntityView view, reader_.View(entity));
          if (part == GraphPart::kEntity) {
            out->push_back(std::move(view));
            continue;
          }
          for (RecordView& record : view.records) out->push_back(std::move(record));
        }
        break;
      case GraphPart::kConflict:
        return AddConflicts(out);
      case GraphPart::kSameAs:
        for (const auto& [key, group] : groups_) AddGroupEdges(reader_, *group, &names_, out);
        break;
      case GraphPart::kGeneric:
        for (const auto& [key, group] : groups_) AddGeneric(reader_, *group, out);
        break;
    }
    return reader_.status();
  }

 private:
  absl::Status AddConflicts(std::vector<GraphItem>* out) {
    std::set<std::string> record_names;
    std::set<std::string> owners;
    const std::vector<ConstraintRule>& constraints = reader_.rows().rules().constraints();
    for (const Entity& entity : entities_) {
      owners.insert(store::ConflictOwnerKey::Entity(entity.name));
      for (const RecordRow* record : entity.records) {
        record_names.insert(RecordName(reader_.names().IdentityOf(*record)));
        for (const store::StoredDescriptor& d : record->descriptors) {
          for (size_t i = 0; i < constraints.size(); ++i) {
            if (constraints[i].attribute != d.attribute) continue;
            owners.insert(store::ConflictOwnerKey::SharedValue(
                static_cast<uint16_t>(i), record->entity_type,
                constraints[i].within_perspective ? record->perspective : SymbolId(),
                store::EncodeValue(d.value)));
          }
        }
      }
    }
    for (const auto& [key, group] : groups_) owners.insert(store::ConflictOwnerKey::Group(key));
    std::map<std::string, Conflict> found;
    for (const std::string& owner : owners) {
      UNIRUST_RETURN_IF_ERROR(AddOwned(context_, owner, record_names, &found));
    }
    std::vector<Conflict> entries;
    for (auto& [key, entry] : found) entries.push_back(std::move(entry));
    SortConflicts(entries);
    for (Conflict& entry : entries) out->push_back(std::move(entry));
    return reader_.status();
  }

  const ReadContext& context_;
  EntityReader reader_;
  std::set<BlockName> names_;
  std::vector<Entity> entities_;
  std::map<std::string, GroupState*> groups_;
  size_t records_ = 0;
};

}  // namespace

absl::StatusOr<Page<GraphItem>> ExportGraph(const ReadContext& context,
                                            const std::vector<GraphPart>& wanted, size_t page_size,
                                            std::string_view cursor) {
  const std::vector<GraphPart>& parts = wanted.empty() ? kAllParts : wanted;
  std::string listing = "graph";
  for (const GraphPart part : parts) AppendBig8(&listing, static_cast<uint8_t>(part));
  // The position is the index of the part and what to go on behind in it.
  UNIRUST_ASSIGN_OR_RETURN(const std::string position, DecodeCursor(listing, cursor));
  ByteReader in(position);
  size_t index = position.empty() ? 0 : in.Big8();
  std::string after(in.ok() ? in.rest() : "");
  Page<GraphItem> page;
  while (index < parts.size() && page.items.size() < page_size) {
    UNIRUST_ASSIGN_OR_RETURN(
        after, PartExport(context, parts[index], page_size)
                   .Run(after, &page.items));
    if (!after.empty()) break;
    ++index;
  }
  if (index < parts.size()) {
    std::string next;
    AppendBig8(&next, static_cast<uint8_t>(index));
    page.cursor = EncodeCursor(listing, next + after);
  }
  return page;
}

absl::StatusOr<std::vector<GraphItem>> Neighbourhood(const ReadContext& context,
                                                     const std::vector<Identity>& records,
                                                     const std::vector<GraphPart>& wanted) {
  NeighbourhoodExport neighbourhood(context);
  UNIRUST_RETURN_IF_ERROR(neighbourhood.Choose(records));
  std::vector<GraphItem> out;
  for (const GraphPart part : wanted.empty() ? kAllParts : wanted) {
    UNIRUST_RETURN_IF_ERROR(neighbourhood.Add(part, &out));
  }
  return out;
}

absl::StatusOr<Entity> EntityOfRecord(EntityReader& reader, const Identity& record) {
  UNIRUST_ASSIGN_OR_RETURN(const auto id, reader.Find(record));
  UNIRUST_RETURN_IF_ERROR(reader.status());
  const std::string name = RecordName(record);
  if (!id) return absl::NotFoundError("no record " + name);
  const RecordState& state = reader.rows().Record(*id);
  if (state.live_now) return reader.Load(reader.EntityOf(*id));
  std::string message = "record " + name + " is retracted";
  const RecordId successor = state.row.now().successor;
  if (successor != RecordId() && reader.rows().Record(successor).live_now) {
    UNIRUST_ASSIGN_OR_RETURN(const std::string entity,
                             reader.NameOfEntity(reader.EntityOf(successor)));
    message += "; it last belonged to entity " + entity;
  }
  return absl::NotFoundError(message);
}

}  // namespace unirust::resolve
