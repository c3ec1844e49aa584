#include "cli/objects.h"

#include "model/record.h"

namespace unirust::cli {
namespace {

std::string RecordLine(const proto::RecordSnapshot& record) {
  return JsonLine()
      .Json("descriptors", DescriptorsJson(record.descriptors()))
      .Text("id", NameOf(record.identity()))
      .Text("type", "record")
      .Take();
}

std::string EntityLine(const proto::GraphEntity& entity) {
  return JsonLine()
      .Text("entity_type", entity.entity_type())
      .Json("golden", DescriptorsJson(entity.golden()))
      .Text("id", entity.id())
      .Json("records", JsonStrings(entity.records()))
      .Text("type", "entity")
      .Take();
}

std::string SameAsLine(const proto::GraphSameAs& edge) {
  return JsonLine()
      .Number("end", edge.end())
      .Text("key", edge.key())
      .Text("source", edge.source())
      .Number("start", edge.start())
      .Text("target", edge.target())
      .Text("type", "same_as")
      .Json("values", JsonStrings(edge.values()))
      .Take();
}

std::string GenericLine(const proto::GraphGeneric& generic) {
  return JsonLine()
      .Text("entity_type", generic.entity_type())
      .Text("key", generic.key())
      .Number("record_count", generic.record_count())
      .Text("type", "generic")
      .Json("values", JsonStrings(generic.values()))
      .Take();
}

}  // namespace

std::string NameOf(const proto::RecordIdentity& identity) {
  return RecordName(identity.entity_type(), identity.perspective(), identity.uid());
}

std::vector<std::string> RecordNames(const proto::ConflictSummary& conflict) {
  std::vector<std::string> names;
  for (const proto::RecordRef& record : conflict.records()) {
    names.push_back(RecordName(conflict.entity_type(), record.perspective(), record.uid()));
  }
  return names;
}

std::string ConflictLine(const proto::ConflictSummary& conflict) {
  const bool indirect = conflict.kind() == "indirect";
  JsonLine line;
  line.Text("attribute", conflict.attribute())
      .Text("cause", conflict.cause())
      .Number("end", conflict.end());
  if (indirect) {
    line.Json("entities", JsonStrings(conflict.entities()))
        .Number("entity_count", conflict.entity_count())
        .Text("key", conflict.key());
  }
  return line.Text("kind", conflict.kind())
      .Number("record_count", conflict.record_count())
      .Json("records", JsonStrings(RecordNames(conflict)))
      .Number("start", conflict.start())
      .Text("type", "conflict")
      .Json("values", JsonStrings(conflict.values()))
      .Take();
}

std::string ItemLine(const proto::GraphItem& item) {
  switch (item.item_case()) {
    case proto::GraphItem::kRecord:
      return RecordLine(item.record());
    case proto::GraphItem::kEntity:
      return EntityLine(item.entity());
    case proto::GraphItem::kConflict:
      return ConflictLine(item.conflict());
    case proto::GraphItem::kSameAs:
      return SameAsLine(item.same_as());
    case proto::GraphItem::kGeneric:
      return GenericLine(item.generic());
    case proto::GraphItem::ITEM_NOT_SET:
      break;
  }
  return "{}";
}

std::string ScannedRecordLine(const proto::RecordSnapshot& record) {
  return JsonLine()
      .Text("type", "record")
      .Text("id", NameOf(record.identity()))
      .Text("entity", record.cluster_key())
      .Number("version", record.version())
      .Json("descriptors", DescriptorsJson(record.descriptors()))
      .Take();
}

std::string MatchLine(const proto::QueryMatch& match) {
  return JsonLine()
      .Text("type", "match")
      .Text("entity", match.cluster_key())
      .Number("start", match.start())
      .Number("end", match.end())
      .Text("strongest_key", match.cluster_key_identity())
      .Json("golden", DescriptorsJson(match.golden()))
      .Take();
}

std::string QueryConflictLine(const proto::QueryConflict& conflict) {
  const auto append_match = [](std::string* json, const proto::QueryMatch& match) {
    *json += MatchLine(match);
  };
  const auto append_pair = [](std::string* json, const proto::QueryDescriptorOverlap& overlap) {
    *json += JsonLine()
                 .Text("attr", overlap.descriptor().attr())
                 .Text("value", overlap.descriptor().value())
                 .Number("start", overlap.start())
                 .Number("end", overlap.end())
                 .Take();
  };
  return JsonLine()
      .Text("type", "query_conflict")
      .Number("start", conflict.start())
      .Number("end", conflict.end())
      .Json("matches", JsonArray(conflict.clusters(), append_match))
      .Json("descriptors", JsonArray(conflict.descriptors(), append_pair))
      .Take();
}

std::string EntityAnswerLine(const proto::GetEntityResponse& entity) {
  const auto append_record = [](std::string* json, const proto::RecordSnapshot& record) {
    *json += ScannedRecordLine(record);
  };
  return JsonLine()
      .Text("type", "entity")
      .Text("id", entity.cluster_key())
      .Text("entity_type", entity.entity_type())
      .Text("strongest_key", entity.cluster_key_identity())
      .Json("golden", DescriptorsJson(entity.golden()))
      .Json("records", JsonArray(entity.records(), append_record))
      .Take();
}

}  // namespace unirust::cli
