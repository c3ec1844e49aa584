// Values of rows: a decoder takes exactly what the encoder writes.
#include "store/rows.h"

#include <string>

#include "cluster/placement.h"
#include "store/batch.h"
#include "store/known_files.h"
#include "store/slot_rows.h"
#include "tests/fuzz/targets.h"

namespace unirust::fuzz {
namespace {

using namespace store;

template <typename Row>
void Decoded(Input input) {
  const std::string_view bytes = input.Rest();
  Row row;
  if (Row::Decode(bytes, &row))
    Require(row.Encode() == bytes, "a row that decodes encodes to the same bytes");
}

void Placements(Input input) {
  const std::string_view bytes = input.Rest();
  const auto placement = cluster::Placement::Decode(bytes);
  if (!placement) return;
  Require(placement->Encode() == bytes, "a placement encodes to the same bytes");
  Require(placement->LastPart() < limits::kPartsMax, "its parts are parts");
}

void Batches(Input input) {
  const std::string_view bytes = input.Rest();
  std::optional<Batch> batch = Batch::Decode(bytes);
  if (batch) Require(batch->Encode() == bytes, "a batch encodes to the same bytes");
}

void SlotSets(Input input) {
  const std::string_view bytes = input.Rest();
  const std::optional<SlotSet> slots = SlotSetOf(bytes);
  Require(slots.has_value() == (bytes.size() == limits::kSlots / 8), "slots are so many bits");
  if (slots) Require(BytesOf(*slots) == bytes, "slots encode to the same bytes");
}

void Positions(Input input) {
  const std::string_view family = input.Sized();
  const std::string_view key = input.Rest();
  const std::optional<SlotPosition> position = SlotPosition::Of(family, key);
  if (position)
    Require(position->FamilyText() == family && position->key == key,
            "a position is what was said");
}

}  // namespace

void Rows(std::string_view input) {
  static constexpr std::array kKinds{Decoded<RecordRow>,
                                     Decoded<NameRow>,
                                     Decoded<BlockRow>,
                                     Decoded<PartRow>,
                                     Decoded<GroupRow>,
                                     Decoded<RunRow>,
                                     Decoded<AttributeValueRow>,
                                     Decoded<HeldValueRow>,
                                     Decoded<StretchRow>,
                                     Decoded<FirstRecordsRow>,
                                     Decoded<DisputedNodesRow>,
                                     Decoded<DisputedEntitiesRow>,
                                     Decoded<ConflictRow>,
                                     Decoded<ConflictOwnerRow>,
                                     Decoded<CountersRow>,
                                     Decoded<RetentionRow>,
                                     Placements,
                                     Batches,
                                     SlotSets,
                                     Positions};
  RunKind(kKinds, input);
}

}  // namespace unirust::fuzz
