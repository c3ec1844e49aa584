// The ontology's JSON form and its archive.
#include "ontology/ontology.h"

#include <string>

#include "base/hash.h"
#include "base/limits.h"
#include "tests/fuzz/targets.h"

namespace unirust::fuzz {
namespace {

using namespace ontology;
using unirust::ontology::Ontology;

void Archived(const Ontology& ontology) {
  const std::string archive = Archive(ontology);
  const absl::StatusOr<Ontology> back = Unarchive(archive);
  Require(back.ok() && *back == ontology, "an archive holds what was put into it");
  const uint64_t dice = Hash64(archive);
  std::string damaged = archive;
  damaged[dice % damaged.size()] ^= static_cast<char>(1U << (dice >> 32U) % 8);
  RequireRefusal(Unarchive(damaged).status(), absl::StatusCode::kDataLoss);
  damaged = archive.substr(0, dice % archive.size());
  RequireRefusal(Unarchive(damaged).status(), absl::StatusCode::kDataLoss);
}

void Json(Input input) {
  const absl::StatusOr<Ontology> parsed = ParseOntology(input.Rest());
  if (!parsed.ok()) return RequireRefusal(parsed.status(), absl::StatusCode::kInvalidArgument);
  const std::string json = ToJson(*parsed);
  if (json.size() > limits::kOntologyBytesMax) return;
  const absl::StatusOr<Ontology> again = ParseOntology(json);
  Require(again.ok() && *again == *parsed, "the JSON form reads as the ontology that it is of");
  Require(ToJson(*again) == json && Version(*again) == Version(*parsed), "which has one form");
  Archived(*parsed);
}

void AnyArchive(Input input) {
  const absl::StatusOr<Ontology> found = Unarchive(input.Rest());
  if (!found.ok()) return RequireRefusal(found.status(), absl::StatusCode::kDataLoss);
  Archived(*found);
}

}  // namespace

void Ontology(std::string_view input) {
  static constexpr std::array kKinds{Json, AnyArchive};
  RunKind(kKinds, input);
}

}  // namespace unirust::fuzz
