// Signatures (docs/resolution.md): what a record or block says under the strong identifiers
// (semantics.md, 5). Blocks clash or agree if and only if their signatures do. Pure values.
#pragma once

#include <cstdint>
#include <vector>

#include "store/rows.h"

namespace unirust::resolve {

using store::CountedStrongRow;
using store::StrongRow;

// Sorted; rows of one identifier, domain and value set are coalesced.
using Signature = std::vector<StrongRow>;

// Sorts and coalesces.
void Normalize(Signature& signature);

// The rows of both.
Signature Merged(const Signature& a, const Signature& b);

// True if both rows have one value in common, whatever they are of.
bool ShareValue(const StrongRow& a, const StrongRow& b);

// True if at some instant both have rows of one identifier and domain without a common value.
bool Clash(const Signature& a, const Signature& b);

// True if somebody holds several values of one identifier at once.
bool HasValueSets(const Signature& signature);

// What the records of a block say, each for itself: sorted, rows distinct. Unlike a signature it can tell what is left
// without some of the records.
using StrongCounts = std::vector<CountedStrongRow>;

// Those of one record.
StrongCounts CountsOf(const Signature& record);

void Add(const StrongCounts& more, StrongCounts* counts);
// False if not all of `less` is there; then `counts` is left in some state.
[[nodiscard]] bool Subtract(const StrongCounts& less, StrongCounts* counts);

Signature SignatureOf(const StrongCounts& counts);

}  // namespace unirust::resolve
