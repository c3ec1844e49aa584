// The words by which the JSON form names the values of the ontology's enumerations, at the index of
// the value. Private to ontology/.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "ontology/ontology.h"

namespace unirust::ontology {

inline constexpr std::array<std::string_view, 2> kScopeNames{"perspective", "global"};
inline constexpr std::array<std::string_view, 2> kConstraintKindNames{"unique",
                                                                      "unique_within_perspective"};
inline constexpr std::array<std::string_view, 4> kStrategyNames{"priority", "majority", "latest",
                                                                "smallest"};

template <typename Names, typename Enum>
std::string_view Name(const Names& names, Enum value) {
  return names.at(static_cast<size_t>(value));
}

template <typename Enum, typename Names>
std::optional<Enum> FromName(const Names& names, std::string_view name) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace unirust::ontology
