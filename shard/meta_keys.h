// Rows of family `meta` that the engine keeps (docs/key-encoding.md).
#pragma once

namespace unirust::shard {

inline constexpr char kOntologyKey[] = "ontology";
inline constexpr char kCountersKey[] = "counters";

}  // namespace unirust::shard
