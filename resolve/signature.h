// Signatures (docs/resolution.md): what a record or block says under the strong identifiers
// (semantics.md, 5). Blocks clash or agree if and only if their signatures do. Pure values.
#pragma once

#include <cstdint>
#include <vector>

#include "store/rows.h"

namespace unirust::resolve {

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

// True if at some instant both hold the same value of one identifier and domain.
bool Agree(const Signature& a, const Signature& b);

// True if every row of `part` holds in `whole` at all its instants.
bool Contains(const Signature& whole, const Signature& part);

}  // namespace unirust::resolve
