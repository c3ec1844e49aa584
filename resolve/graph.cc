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
#include "resolve/evidence.h"
#include "resolve/golden.h"
#include "resolve/listings.h"
#include "resolve/page.h"

namespace unirust::resolve {
namespace {

using store::Family;
using store::NameOf;

const std::vector<GraphPart> kAllParts = {GraphPart::kRecord, GraphPart::kEntity,
                                          GraphPart::kConflict, GraphPart::kSameAs,
                                          GraphPart::kGeneric};

bool IsGeneric(const WorkingSet& rows, const GroupState& group) {
  const GroupRow& row = group.row.now();
  return !row.pieces.empty() && rows.Evidence(group, row).empty();
}

// The times at which the records of one entity hold one value of a key.
struct SharedKey {
  uint16_t key = 0;
  std::vector<std::string_view> values;
  std::vector<std::pair<Interval, size_t>> pieces;  // position of the record in the entity
};

// All key values of the entity that several of its records hold.
absl::StatusOr<std::vector<SharedKey>> SharedKeys(const Entity& entity, const Rules& rules) {
  std::vector<SharedKey> out;
  if (entity.records.size() < 2) return out;
  for (uint16_t k = 0; k < rules.levels(); ++k) {
    const KeyRule& key = rules.keys()[k];
    if (!key.types.Has(entity.records[0]->entity_type)) continue;
    std::map<std::vector<std::string_view>, std::vector<std::pair<Interval, size_t>>> held;
    for (size_t r = 0; r < entity.records.size(); ++r) {
      UNIRUST_ASSIGN_OR_RETURN(const std::vector<KeyInstance> instances,
                               KeyInstances(key, entity.records[r]->descriptors, rules));
      for (const KeyInstance& instance : instances) {
        auto& pieces = held[instance.values];
        for (const Interval& interval : instance.time) pieces.emplace_back(interval, r);
      }
    }
    for (auto& [values, pieces] : held) {
      if (pieces.size() < 2) continue;
      std::sort(pieces.begin(), pieces.end());
      out.push_back({k, values, std::move(pieces)});
    }
  }
  return out;
}

// The same_as edges of an entity: each piece to the earlier piece of the entity that ends last. Two pieces that overlap
// are in one run, so the other records of the group do not matter, unless they make the value generic.
absl::Status AddSameAs(const Entity& entity, WorkingSet& rows, Names& names,
                       std::vector<GraphItem>* out) {
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<SharedKey> shared, SharedKeys(entity, rows.rules()));
  for (const SharedKey& key : shared) {
    const KeyRule& rule = rows.rules().keys()[key.key];
    if (rule.max_group != ~uint64_t{0} &&
        IsGeneric(rows, rows.Group(entity.records[0]->entity_type, key.key, key.values))) {
      continue;
    }
    auto far = key.pieces[0];
    for (size_t i = 1; i < key.pieces.size(); ++i) {
      const auto& [interval, record] = key.pieces[i];
      if (interval.start < far.first.end) {
        const auto [first, second] = std::minmax(record, far.second);
        out->push_back(SameAs{RecordName(names.IdentityOf(*entity.records[first])),
                              RecordName(names.IdentityOf(*entity.records[second])),
                              rule.name,
                              {key.values.begin(), key.values.end()},
                              {interval.start, std::min(interval.end, far.first.end)}});
      }
      if (interval.end > far.first.end) far = key.pieces[i];
    }
  }
  return rows.status();
}

void AddGeneric(EntityReader& reader, const GroupState& group, std::vector<GraphItem>* out) {
  WorkingSet& rows = reader.rows();
  if (!IsGeneric(rows, group)) return;
  std::set<RecordId> records;
  for (const Piece& piece : group.row.now().pieces) records.insert(piece.record);
  out->push_back(Generic{reader.names().Text(group.key.entity_type),
                         rows.rules().keys()[group.key.identity_key].name, group.values,
                         records.size()});
}

// Adds one part of the graph to a page, from a position on; returns the position to go on behind, nothing at the end
// of the part.
class PartExport {
 public:
  using Position = std::optional<std::string>;

  // `sweep` is kept from page to page, for parts that go through entities.
  PartExport(const ReadContext& context, PageBudget* budget, std::unique_ptr<EntitySweep>* sweep,
             std::vector<GraphItem>* out)
      : context_(context),
        names_(*context.interner),
        budget_(*budget),
        sweep_(*sweep),
        out_(out) {}

  absl::StatusOr<Position> Run(GraphPart part, std::string_view after) {
    switch (part) {
      case GraphPart::kRecord:
        return Records(after);
      case GraphPart::kEntity:
      case GraphPart::kSameAs:
        return Entities(part, after);
      case GraphPart::kConflict:
        return Conflicts(after);
      case GraphPart::kGeneric:
        break;
    }
    return Generics(after);
  }

 private:
  std::unique_ptr<store::Cursor> Behind(Family family, std::string_view after) const {
    return context_.reader.Scan(family, after.empty() ? "" : std::string(after) + '\0', "");
  }

  absl::StatusOr<Position> Records(std::string_view after) {
    const auto rows = Behind(Family::kRecords, after);
    std::string last(after);
    for (; rows->Valid(); rows->Next()) {
      const auto key = store::RecordKey::Decode(rows->key());
      RecordRow row;
      if (!key || !RecordRow::Decode(rows->value(), &row)) {
        return store::Damaged(Family::kRecords, rows->key());
      }
      if (budget_.Spent()) return Position(last);
      budget_.Read(rows->value().size());
      if (!row.retracted) {
        RecordView view{.id = key->record, .record = ToRecord(row, names_), .entity_name = {}};
        if (!budget_.Take(MessageBytes(view))) return Position(last);
        out_->push_back(std::move(view));
      }
      last = rows->key();
    }
    UNIRUST_RETURN_IF_ERROR(names_.status());
    UNIRUST_RETURN_IF_ERROR(rows->status());
    return Position();
  }

  // Entities, or the edges of each: what one entity gives is not parted.
  absl::StatusOr<Position> Entities(GraphPart part, std::string_view after) {
    if (sweep_ == nullptr) sweep_ = std::make_unique<EntitySweep>(context_, after);
    WorkingSet groups(context_.reader, *context_.rules);
    std::string last(after);
    for (; sweep_->Valid(); sweep_->Next()) {
      if (budget_.Spent()) return Position(last);
      const Entity& entity = sweep_->entity();
      for (const RecordRow* record : entity.records) budget_.Read(TextBytes(*record));
      UNIRUST_ASSIGN_OR_RETURN(std::vector<GraphItem> items, Items(part, entity, groups));
      size_t bytes = 0;
      for (const GraphItem& item : items) bytes += MessageBytes(item);
      if (!items.empty() && !budget_.TakeAll(items.size(), bytes)) return Position(last);
      std::move(items.begin(), items.end(), std::back_inserter(*out_));
      last = sweep_->position();
    }
    UNIRUST_RETURN_IF_ERROR(sweep_->status());
    sweep_ = nullptr;
    return Position();
  }

  absl::StatusOr<std::vector<GraphItem>> Items(GraphPart part, const Entity& entity,
                                               WorkingSet& groups) {
    std::vector<GraphItem> out;
    if (part == GraphPart::kSameAs) {
      UNIRUST_RETURN_IF_ERROR(AddSameAs(entity, groups, names_, &out));
    } else {
      out.push_back(NodeOf(entity));
    }
    UNIRUST_RETURN_IF_ERROR(names_.status());
    return out;
  }

  // The entity with the names of its records, which are items of their own.
  EntityView NodeOf(const Entity& entity) {
    EntityView out{.ref = entity.ref,
                   .golden = Golden(entity.records, *context_.rules, names_),
                   .records = {}};
    out.records.reserve(entity.ids.size());
    for (size_t i = 0; i < entity.ids.size(); ++i) {
      RecordView& record = out.records.emplace_back();
      record.id = entity.ids[i];
      record.record.identity = names_.IdentityOf(*entity.records[i]);
    }
    return out;
  }

  absl::StatusOr<Position> Generics(std::string_view after) {
    const std::vector<KeyRule>& keys = context_.rules->keys();
    if (std::all_of(keys.begin(), keys.end(),
                    [](const KeyRule& key) { return key.max_group == ~uint64_t{0}; })) {
      return Position();
    }
    const auto rows = Behind(Family::kGroups, after);
    EntityReader reader(context_);
    std::string last(after);
    for (; rows->Valid(); rows->Next()) {
      if (budget_.Spent() || budget_.full()) return Position(last);
      budget_.Read(rows->value().size());
      std::vector<GraphItem> items;
      AddGeneric(reader, reader.rows().Group(std::string(rows->key())), &items);
      UNIRUST_RETURN_IF_ERROR(reader.status());
      if (!items.empty() && !budget_.Take(MessageBytes(items[0]))) return Position(last);
      std::move(items.begin(), items.end(), std::back_inserter(*out_));
      last = rows->key();
    }
    UNIRUST_RETURN_IF_ERROR(rows->status());
    return Position();
  }

  absl::StatusOr<Position> Conflicts(std::string_view after) {
    UNIRUST_ASSIGN_OR_RETURN(ConflictPart part, ReadConflicts(context_, {}, after, &budget_));
    std::move(part.items.begin(), part.items.end(), std::back_inserter(*out_));
    return part.position;
  }

  const ReadContext& context_;
  Names names_;
  PageBudget& budget_;
  std::unique_ptr<EntitySweep>& sweep_;
  std::vector<GraphItem>* out_;
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
          for (GroupState* group : reader_.rows().GroupsNow(id, key)) {
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
        for (const Entity& entity : entities_) {
          UNIRUST_RETURN_IF_ERROR(AddSameAs(entity, reader_.rows(), reader_.names(), out));
        }
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

absl::StatusOr<std::unique_ptr<GraphPages>> GraphPages::From(const ReadContext& context,
                                                             const std::vector<GraphPart>& parts,
                                                             std::string_view cursor) {
  std::unique_ptr<GraphPages> pages(new GraphPages(context));
  pages->parts_ = parts.empty() ? kAllParts : parts;
  pages->cursor_ = cursor;
  Listing& listing = pages->listing_;
  listing.name = "graph";
  UNIRUST_ASSIGN_OR_RETURN(listing.lineage, context.reader.ReadLineage());
  for (const GraphPart part : pages->parts_) {
    AppendBig8(&listing.name, static_cast<uint8_t>(part));
  }
  // The position is the index of the part and what to go on behind in it.
  UNIRUST_ASSIGN_OR_RETURN(const std::string position, DecodeCursor(listing, cursor));
  ByteReader in(position);
  pages->index_ = position.empty() ? 0 : in.Big8();
  pages->after_ = in.ok() ? in.rest() : "";
  return pages;
}

absl::StatusOr<Page<GraphItem>> GraphPages::Next(size_t page_size) {
  Page<GraphItem> page;
  PageBudget budget(page_size);
  PartExport part_export(context_, &budget, &sweep_, &page.items);
  while (index_ < parts_.size() && !budget.full()) {
    UNIRUST_ASSIGN_OR_RETURN(const auto next, part_export.Run(parts_[index_], after_));
    after_ = next.value_or("");
    if (next) break;
    ++index_;
  }
  if (index_ < parts_.size()) {
    std::string next;
    AppendBig8(&next, static_cast<uint8_t>(index_));
    page.cursor = EncodeCursor(listing_, next + after_);
  }
  cursor_ = page.cursor;
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
