#include "cli/objects.h"

#include "model/record.h"

namespace unirust::cli {
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
    line.Strings("entities", conflict.entities())
        .Number("entity_count", conflict.entity_count())
        .Text("key", conflict.key());
  }
  return line.Text("kind", conflict.kind())
      .Number("record_count", conflict.record_count())
      .Strings("records", RecordNames(conflict))
      .Number("start", conflict.start())
      .Text("type", "conflict")
      .Strings("values", conflict.values())
      .Take();
}

std::string GenericLine(const proto::GraphGeneric& generic) {
  return JsonLine()
      .Text("entity_type", generic.entity_type())
      .Text("key", generic.key())
      .Number("record_count", generic.record_count())
      .Text("type", "generic")
      .Strings("values", generic.values())
      .Take();
}

std::string ScannedRecordLine(const proto::RecordSnapshot& record) {
  return JsonLine()
      .Text("type", "record")
      .Text("id", NameOf(record.identity()))
      .Text("entity", record.cluster_key())
      .Number("version", record.version())
      .Array("descriptors", record.descriptors(), AppendDescriptor())
      .Take();
}

std::string MatchLine(const proto::QueryMatch& match) {
  return JsonLine()
      .Text("type", "match")
      .Text("entity", match.cluster_key())
      .Number("start", match.start())
      .Number("end", match.end())
      .Text("strongest_key", match.cluster_key_identity())
      .Array("golden", match.golden(), AppendDescriptor())
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
      .Array("matches", conflict.clusters(), append_match)
      .Array("descriptors", conflict.descriptors(), append_pair)
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
      .Array("golden", entity.golden(), AppendDescriptor())
      .Array("records", entity.records(), append_record)
      .Take();
}

}  // namespace unirust::cli
