// The stored form of an ontology (docs/decisions/0002-ontology-archive.md):
//
//   magic, 8 bytes | length of the rest, 8 bytes | XXH3 of the rest, 8 bytes | Boost.Serialization
//   text archive
//
// Boost sees only bytes whose checksum fits: its readers trust the counts they find.
//
// To change a class: raise its BOOST_CLASS_VERSION, read the new members only if `version` has
// them, and store a sample as docs/ontology.md says. The samples of the earlier versions must keep
// loading.
#include <algorithm>
#include <bit>
#include <boost/archive/text_iarchive.hpp>
#include <boost/archive/text_oarchive.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/serialization/version.hpp>
#include <cmath>
#include <exception>
#include <sstream>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/hash.h"
#include "ontology/names.h"
#include "ontology/ontology.h"

BOOST_CLASS_VERSION(unirust::ontology::IdentityKey, 1)
BOOST_CLASS_VERSION(unirust::ontology::StrongIdentifier, 1)
BOOST_CLASS_VERSION(unirust::ontology::Constraint, 1)
BOOST_CLASS_VERSION(unirust::ontology::AttributeRule, 1)
BOOST_CLASS_VERSION(unirust::ontology::RetentionRule, 1)
BOOST_CLASS_VERSION(unirust::ontology::Ontology, 2)

namespace unirust::ontology {

// Boost hands over archives of newer class versions without a word. Its own exception ends the
// reading; Unarchive catches it.
template <typename T>
void CheckVersion(unsigned version) {
  if (version > static_cast<unsigned>(boost::serialization::version<T>::value)) {
    boost::serialization::throw_exception(boost::archive::archive_exception(
        boost::archive::archive_exception::unsupported_class_version, "a newer program wrote it"));
  }
}

// Boost finds these by argument-dependent lookup, hence outside the unnamed namespace.

template <typename Ar>
void serialize(Ar& archive, IdentityKey& key, unsigned version) {
  CheckVersion<IdentityKey>(version);
  uint64_t max_group = key.max_group.value_or(0);  // 0: none
  archive& key.name& key.attributes& max_group& key.hold& key.entity_types;
  if (Ar::is_loading::value && max_group > 0) key.max_group = max_group;
}

template <typename Ar>
void serialize(Ar& archive, StrongIdentifier& identifier, unsigned version) {
  CheckVersion<StrongIdentifier>(version);
  archive& identifier.attribute& identifier.scope& identifier.entity_types;
}

template <typename Ar>
void serialize(Ar& archive, Constraint& constraint, unsigned version) {
  CheckVersion<Constraint>(version);
  archive& constraint.name& constraint.attribute& constraint.kind& constraint.entity_types;
}

template <typename Ar>
void serialize(Ar& archive, AttributeRule& rule, unsigned version) {
  CheckVersion<AttributeRule>(version);
  archive& rule.multi_valued& rule.ignored_values;
}

template <typename Ar>
void serialize(Ar& archive, RetentionRule& rule, unsigned version) {
  CheckVersion<RetentionRule>(version);
  archive& rule.name& rule.entity_types& rule.perspectives& rule.ended_before;
}

template <typename Ar>
void serialize(Ar& archive, Ontology& ontology, unsigned version) {
  CheckVersion<Ontology>(version);
  // Weights travel as their bits: exact, whatever the text form of a double.
  std::map<std::string, uint64_t> weights;
  for (const auto& [perspective, weight] : ontology.perspective_weights) {
    weights[perspective] = std::bit_cast<uint64_t>(weight);
  }
  archive& ontology.identity_keys& ontology.strong_identifiers& ontology.constraints;
  archive& ontology.attributes& weights& ontology.golden_default& ontology.golden_attributes;
  if (version >= 2) archive& ontology.retention;
  for (const auto& [perspective, bits] : weights) {
    ontology.perspective_weights[perspective] = std::bit_cast<double>(bits);
  }
}

namespace {

constexpr std::string_view kMagic = "UNIRONTO";

absl::Status Damaged(const std::string& what) {
  return absl::DataLossError("the stored ontology is damaged: " + what);
}

template <typename Names, typename Enum>
bool Known(const Names& names, Enum value) {
  return static_cast<size_t>(value) < names.size();
}

bool Known(const std::vector<Strategy>& strategies) {
  return std::all_of(strategies.begin(), strategies.end(),
                     [](Strategy s) { return Known(kStrategyNames, s); });
}

// True if every enumeration has one of its values, every weight is finite and no time negative.
bool InRange(const Ontology& o) {
  return std::all_of(o.strong_identifiers.begin(), o.strong_identifiers.end(),
                     [](const auto& s) { return Known(kScopeNames, s.scope); }) &&
         std::all_of(o.constraints.begin(), o.constraints.end(),
                     [](const auto& c) { return Known(kConstraintKindNames, c.kind); }) &&
         std::all_of(o.perspective_weights.begin(), o.perspective_weights.end(),
                     [](const auto& w) { return std::isfinite(w.second); }) &&
         Known(o.golden_default) &&
         std::all_of(o.retention.begin(), o.retention.end(),
                     [](const auto& rule) { return rule.ended_before >= 0; }) &&
         std::all_of(o.golden_attributes.begin(), o.golden_attributes.end(),
                     [](const auto& a) { return Known(a.second); });
}

}  // namespace

std::string Archive(const Ontology& ontology) {
  std::ostringstream stream;
  {
    boost::archive::text_oarchive archive(stream);
    archive << ontology;
  }
  const std::string content = stream.str();
  std::string out(kMagic);
  AppendBig64(&out, content.size());
  AppendBig64(&out, Hash64(content));
  return out + content;
}

absl::StatusOr<Ontology> Unarchive(std::string_view bytes) {
  ByteReader reader(bytes);
  const bool magic_fits = reader.Bytes(kMagic.size()) == kMagic;
  const uint64_t length = reader.Big64();
  const uint64_t checksum = reader.Big64();
  if (!reader.ok() || !magic_fits) return Damaged("not an ontology archive");
  const std::string_view content = reader.rest();
  if (content.size() != length) return Damaged("its length is wrong");
  if (Hash64(content) != checksum) return Damaged("its checksum is wrong");
  Ontology ontology;
  try {
    std::istringstream stream{std::string(content)};
    boost::archive::text_iarchive archive(stream);
    archive >> ontology;
  } catch (const std::exception& e) {  // also a class version of a newer program
    return Damaged(e.what());
  }
  if (!InRange(ontology)) return Damaged("a value is out of range");
  return ontology;
}

}  // namespace unirust::ontology
