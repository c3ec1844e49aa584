#include "model/answers.h"

namespace unirust {

const char* ConflictKindName(ConflictKind kind) {
  switch (kind) {
    case ConflictKind::kConstraintViolation:
      return "constraint_violation";
    case ConflictKind::kDirect:
      return "direct";
    case ConflictKind::kIndirect:
      break;
  }
  return "indirect";
}

}  // namespace unirust
