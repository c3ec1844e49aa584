#include "resolve/graph.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "resolve/entity_items.h"
#include "resolve/listings.h"
#include "resolve/page.h"
#include "resolve/stretch_entries.h"

namespace unirust::resolve {
namespace {

using store::Family;
using store::NameOf;

std::set<GraphPart> SetOf(const std::vector<GraphPart>& parts) {
  if (!parts.empty()) return {parts.begin(), parts.end()};
  return {GraphPart::kRecord, GraphPart::kEntity, GraphPart::kConflict, GraphPart::kSameAs,
          GraphPart::kGeneric};
}

// What the group gives to the graph; nothing unless its value is generic.
std::optional<Generic> GenericOf(EntityReader& reader, const GroupState& group) {
  const WorkingSet& rows = reader.rows();
  if (!rows.IsGeneric(group)) return std::nullopt;
  return Generic{reader.names().Text(group.key.entity_type),
                 rows.rules().keys()[group.key.identity_key].name, group.values,
                 RecordCount(group.row.now())};
}

// Where a part of the graph goes on; nothing at its end.
using Position = std::optional<std::string>;

std::unique_ptr<store::Cursor> Behind(const ReadContext& context, Family family,
                                      std::string_view after) {
  return context.reader.Scan(family, after.empty() ? "" : std::string(after) + '\0', "");
}

absl::StatusOr<Position> AddRecords(const ReadContext& context, std::string_view after,
                                    PageBudget* budget, GraphSink* page) {
  const auto rows = Behind(context, Family::kRecords, after);
  Names names(*context.interner);
  std::string last(after);
  RecordRow row;
  std::vector<DescriptorView> descriptors;
  for (; rows->Valid(); rows->Next()) {
    const auto key = store::RecordKey::Decode(rows->key());
    if (!key || !RecordRow::Decode(rows->value(), &row)) {
      return store::Damaged(Family::kRecords, rows->key());
    }
    if (budget->Spent()) return Position(last);
    budget->Read(rows->value().size());
    if (!row.retracted) {
      const size_t bytes = page->Add(ViewOf(key->record, row, names, &descriptors));
      UNIRUST_RETURN_IF_ERROR(names.status());
      if (!budget->Take(bytes)) {
        page->TakeBack();
        return Position(last);
      }
    }
    last = rows->key();
  }
  UNIRUST_RETURN_IF_ERROR(rows->status());
  return Position();
}

absl::StatusOr<Position> AddConflicts(const ReadContext& context, std::string_view after,
                                      PageBudget* budget, GraphSink* page) {
  UNIRUST_ASSIGN_OR_RETURN(ConflictPart part, ReadConflicts(context, {}, after, budget));
  for (const Conflict& conflict : part.items) page->Add(conflict);
  return part.position;
}

absl::StatusOr<Position> AddGenerics(const ReadContext& context, std::string_view after,
                                     PageBudget* budget, GraphSink* page) {
  const std::vector<KeyRule>& keys = context.rules->keys();
  if (std::all_of(keys.begin(), keys.end(),
                  [](const KeyRule& key) { return key.max_group == ~uint64_t{0}; })) {
    return Position();
  }
  const auto rows = Behind(context, Family::kGroups, after);
  EntityReader reader(context);
  std::string last(after);
  for (; rows->Valid(); rows->Next()) {
    if (budget->Spent() || budget->full()) return Position(last);
    budget->Read(rows->value().size());
    const auto generic = GenericOf(reader, reader.rows().Group(std::string(rows->key())));
    UNIRUST_RETURN_IF_ERROR(reader.status());
    if (generic && !budget->Take(page->Add(*generic))) {
      page->TakeBack();
      return Position(last);
    }
    last = rows->key();
  }
  UNIRUST_RETURN_IF_ERROR(rows->status());
  return Position();
}

// The keys of an owner's conflicts.
absl::StatusOr<std::vector<std::string>> OwnedBy(const ReadContext& context,
                                                 const std::string& owner) {
  std::string bytes;
  UNIRUST_ASSIGN_OR_RETURN(const bool found,
                           context.reader.Get(Family::kConflictOwners, owner, &bytes));
  store::ConflictOwnerRow row;
  if (found && !store::ConflictOwnerRow::Decode(bytes, &row)) {
    return store::Damaged(Family::kConflictOwners, owner);
  }
  return std::move(row.keys);
}

// Those of the entries that list one of `names`.
absl::Status AddListing(const ReadContext& context, const std::vector<std::string>& keys,
                        const std::set<std::string>& names, std::map<std::string, Conflict>* out) {
  PageBudget unbounded(0);  // the caller bounds the records
  for (const std::string& key : keys) {
    std::string value;
    UNIRUST_ASSIGN_OR_RETURN(const bool there, context.reader.Get(Family::kConflicts, key, &value));
    if (!there) return store::Damaged(Family::kConflicts, key);
    UNIRUST_ASSIGN_OR_RETURN(Conflict entry, ReadConflict(context, key, value, &unbounded));
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
          for (GroupState* group : reader_.rows().GroupsNow(id, key)) {
            groups_.emplace(group->encoded_key, group);
          }
        }
      }
    }
    return reader_.status();
  }

  absl::Status Add(GraphPart part, GraphSink* page) {
    switch (part) {
      case GraphPart::kRecord:
      case GraphPart::kEntity:
      case GraphPart::kSameAs:
        return AddOfEntities(part, page);
      case GraphPart::kConflict:
        return AddConflicts(page);
      case GraphPart::kGeneric:
        for (const auto& [key, group] : groups_) {
          if (const auto generic = GenericOf(reader_, *group)) page->Add(*generic);
        }
        break;
    }
    return reader_.status();
  }

 private:
  absl::Status AddOfEntities(GraphPart part, GraphSink* page) {
    EntityItems items(reader_.rows().rules());
    for (const Entity& entity : entities_) {
      UNIRUST_RETURN_IF_ERROR(items.Begin(entity, {part}, reader_.rows(), reader_.names()));
      for (size_t i = 0; i < items.size(); ++i) {
        items.Add(i, entity.ref.name, reader_.names(), page);
      }
    }
    return reader_.status();
  }

  absl::Status AddConflicts(GraphSink* page) {
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
    for (const auto& [key, group] : groups_) AddOwnersOf(*group, &owners);
    std::map<std::string, Conflict> found;
    for (const std::string& owner : owners) {
      UNIRUST_ASSIGN_OR_RETURN(const auto keys, OwnedBy(context_, owner));
      UNIRUST_RETURN_IF_ERROR(AddListing(context_, keys, record_names, &found));
    }
    for (const Entity& entity : entities_) {
      if (entity.ids.size() < limits::kLargeEntityRecordsMin) continue;
      UNIRUST_ASSIGN_OR_RETURN(
          const auto keys,
          EntriesOfLarge(context_, entity.name, entity.records[0]->entity_type));
      UNIRUST_RETURN_IF_ERROR(AddListing(context_, keys, record_names, &found));
    }
    std::vector<Conflict> entries;
    for (auto& [key, entry] : found) entries.push_back(std::move(entry));
    SortConflicts(entries);
    for (const Conflict& entry : entries) page->Add(entry);
    return reader_.status();
  }

  // The entries of a followed group are its runs': of those in which the records have pieces.
  void AddOwnersOf(const GroupState& group, std::set<std::string>* owners) {
    owners->insert(store::ConflictOwnerKey::Group(group.encoded_key));
    if (!group.row.now().followed) return;
    const PieceSet pieces = reader_.rows().PiecesOf(group);
    for (const Entity& entity : entities_) {
      for (const RecordId id : entity.ids) {
        for (const Interval& time : reader_.rows().TimesNow(id, group)) {
          const std::optional<PieceRun> run = pieces.RunNow(time.start);
          if (!run) continue;
          owners->insert(
              store::ConflictOwnerKey::Run(group.encoded_key, run->interval.start));
        }
      }
    }
    reader_.rows().Fail(pieces.status());
  }

  const ReadContext& context_;
  EntityReader reader_;
  std::set<BlockName> names_;
  std::vector<Entity> entities_;
  std::map<std::string, GroupState*> groups_;
  size_t records_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GraphPages>> GraphPages::From(const ReadContext& context,
                                                             const std::vector<GraphPart>& parts,
                                                             std::string_view cursor) {
  std::unique_ptr<GraphPages> pages(new GraphPages(context));
  pages->parts_ = SetOf(parts);
  pages->cursor_ = cursor;
  Listing& listing = pages->listing_;
  listing.name = "graph";
  UNIRUST_ASSIGN_OR_RETURN(listing.lineage, context.reader.ReadLineage());
  for (const GraphPart part : pages->parts_) {
    AppendBig8(&listing.name, static_cast<uint8_t>(part));
  }
  // The position is the stage and what to go on behind in it.
  UNIRUST_ASSIGN_OR_RETURN(const std::string position, DecodeCursor(listing, cursor));
  ByteReader in(position);
  pages->stage_ = static_cast<Stage>(position.empty() ? 0 : in.Big8());
  pages->after_ = in.ok() ? in.rest() : "";
  return pages;
}

absl::StatusOr<std::optional<std::string>> GraphPages::Add(PageBudget* budget, GraphSink* page) {
  const auto wanted = [&](GraphPart part) { return parts_.contains(part); };
  switch (stage_) {
    case Stage::kEntities: {
      const bool whole = wanted(GraphPart::kEntity) || wanted(GraphPart::kSameAs);
      if (!whole && !wanted(GraphPart::kRecord)) break;
      if (!whole) return AddRecords(context_, after_, budget, page);
      if (entities_ == nullptr) {
        entities_ = std::make_unique<EntityPages>(context_, parts_, after_);
      }
      UNIRUST_ASSIGN_OR_RETURN(const bool more, entities_->Fill(budget, page));
      if (more) return entities_->position();
      entities_ = nullptr;
      break;
    }
    case Stage::kConflicts:
      if (wanted(GraphPart::kConflict)) return AddConflicts(context_, after_, budget, page);
      break;
    case Stage::kGenerics:
      if (wanted(GraphPart::kGeneric)) return AddGenerics(context_, after_, budget, page);
      break;
    case Stage::kEnd:
      break;
  }
  return Position();
}

absl::StatusOr<std::string> GraphPages::Next(size_t page_size, GraphSink* page) {
  PageBudget budget(page_size);
  while (stage_ != Stage::kEnd && !budget.full()) {
    UNIRUST_ASSIGN_OR_RETURN(const Position next, Add(&budget, page));
    after_ = next.value_or("");
    if (next) break;
    stage_ = static_cast<Stage>(static_cast<uint8_t>(stage_) + 1);
  }
  cursor_.clear();
  if (stage_ != Stage::kEnd) {
    std::string next;
    AppendBig8(&next, static_cast<uint8_t>(stage_));
    cursor_ = EncodeCursor(listing_, next + after_);
  }
  return cursor_;
}

absl::Status Neighbourhood(const ReadContext& context, const std::vector<Identity>& records,
                           const std::vector<GraphPart>& parts, GraphSink* page) {
  NeighbourhoodExport neighbourhood(context);
  UNIRUST_RETURN_IF_ERROR(neighbourhood.Choose(records));
  for (const GraphPart part : SetOf(parts)) {
    UNIRUST_RETURN_IF_ERROR(neighbourhood.Add(part, page));
  }
  return absl::OkStatus();
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
