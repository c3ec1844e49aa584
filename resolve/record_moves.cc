#include "resolve/record_moves.h"

namespace unirust::resolve {

std::set<RecordId> RecordsThatMoved(WorkingSet& rows, const EntityDelta& entities) {
  const std::vector<RecordId> written = rows.Written();
  std::set<RecordId> out(written.begin(), written.end());
  for (const auto* names : {&entities.gone, &entities.moved}) {
    for (const BlockName name : *names) {
      const std::vector<RecordId> records = rows.RecordsBefore(name);
      out.insert(records.begin(), records.end());
    }
  }
  return out;
}

}  // namespace unirust::resolve
