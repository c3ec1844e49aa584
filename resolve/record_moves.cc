#include "resolve/record_moves.h"

namespace unirust::resolve {

std::set<RecordId> RecordsThatMoved(WorkingSet& rows, const EntityDelta& entities) {
  std::set<RecordId> out;
  for (const RecordState& record : rows.records()) {
    if (record.written) out.insert(record.id);
  }
  for (const auto* names : {&entities.gone, &entities.moved}) {
    for (const BlockName name : *names) {
      const std::vector<RecordId> records = rows.RecordsBefore(name);
      out.insert(records.begin(), records.end());
    }
  }
  return out;
}

}  // namespace unirust::resolve
