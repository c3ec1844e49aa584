// Error propagation for absl::Status and absl::StatusOr.
//
//   absl::Status Load() {
//     UNIRUST_ASSIGN_OR_RETURN(std::string text, ReadFile(path));
//     UNIRUST_RETURN_IF_ERROR(Parse(text));
//     return absl::OkStatus();
//   }
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define UNIRUST_CONCAT_(a, b) a##b
#define UNIRUST_CONCAT(a, b) UNIRUST_CONCAT_(a, b)

// Returns the status of `expr` from the enclosing function unless it is OK.
#define UNIRUST_RETURN_IF_ERROR(expr)                 \
  do {                                                \
    absl::Status unirust_status_ = (expr);            \
    if (!unirust_status_.ok()) return unirust_status_; \
  } while (false)

// Evaluates `expr` (a StatusOr); returns its status if it is an error, else assigns the value to `lhs`.
#define UNIRUST_ASSIGN_OR_RETURN(lhs, expr) \
  UNIRUST_ASSIGN_OR_RETURN_(UNIRUST_CONCAT(unirust_or_, __LINE__), lhs, expr)
#define UNIRUST_ASSIGN_OR_RETURN_(var, lhs, expr) \
  auto var = (expr);                              \
  if (!var.ok()) return std::move(var).status();  \
  lhs = std::move(var).value()
