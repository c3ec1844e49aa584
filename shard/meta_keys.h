// Rows of family `meta` that the engine keeps (docs/key-encoding.md).
#pragma once

namespace unirust::shard {

inline constexpr char kOntologyKey[] = "ontology";
inline constexpr char kCountersKey[] = "counters";
inline constexpr char kRetentionKey[] = "retention";

}  // namespace unirust::shard
