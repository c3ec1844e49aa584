#include "workload/variants.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "workload/digits.h"
#include "workload/draws.h"
#include "workload/generator.h"
#include "workload/ontologies.h"

namespace unirust::workload {
namespace {

constexpr uint64_t kNewPerBlock = 4;
constexpr uint64_t kWritesPerBlock = kNewPerBlock + 1;

// A rewrite is about a block in the span of so many blocks before its own span.
constexpr std::array<uint64_t, kNewPerBlock - 1> kSpans = {20, 450, 10'000};

// Another entity of its group; each is as probable.
uint64_t Another(uint64_t entity, uint64_t random) {
  const uint64_t in_group = entity % kEntitiesPerGroup;
  const uint64_t further = 1 + Below(random, kEntitiesPerGroup - 1);
  return entity - in_group + (in_group + further) % kEntitiesPerGroup;
}

uint64_t WindowRecords(const Options& options) {
  return options.window == 0 ? options.records : std::min(options.window, options.records);
}

}  // namespace

void HotKeys::Make(uint64_t position, Write* write) const {
  const auto [record, kind] = population_.plan().At(position);
  const Subject subject = population_.SubjectOf(record);
  population_.Make(subject, kind, write);
  if (write->retract) return;
  Descriptor& account = write->descriptors.emplace_back();
  account.attribute = "account";
  account.value = "default-";
  AppendNumber(Below(random_(draws::kAccount, subject.entity), kHotValues), &account.value);
}

const char* HotKeys::ontology() const { return HotKeysOntology(); }

void Contested::Make(uint64_t position, Write* write) const {
  const auto [record, kind] = population_.plan().At(position);
  Subject subject = population_.SubjectOf(record);
  const bool claims = random_(draws::kClaims, record) % 2 == 0;
  subject.claimed =
      claims ? Another(subject.entity, random_(draws::kClaimed, record)) : subject.entity;
  population_.Make(subject, kind, write);
}

const char* Contested::ontology() const { return Ontology(); }

Rewrites::Rewrites(const Options& options)
    : population_(options),
      random_(options.seed),
      order_(options.records, WindowRecords(options), random_) {}

uint64_t Rewrites::writes() const { return order_.count() + order_.count() / kNewPerBlock; }

void Rewrites::Make(uint64_t position, Write* write) const {
  const uint64_t block = position / kWritesPerBlock;
  const uint64_t in_block = position % kWritesPerBlock;
  const bool rewrite = in_block == kNewPerBlock;
  const uint64_t place = rewrite ? RewrittenBy(block) : block * kNewPerBlock + in_block;
  Subject subject = population_.SubjectOf(order_.At(place));
  if (rewrite) {
    const uint64_t random = random_(draws::kMovesTo, subject.record);
    // There are fewer entities than records: the handle of an entity of a higher number is new.
    subject.claimed = random % 2 == 0 ? Another(subject.claimed, random)
                                      : limits::kWorkloadRecordsMax + subject.record;
  }
  population_.Make(subject, WriteKind::kRecord, write);
  write->version = rewrite ? 2 : 1;
}

// The block's own first write, or one of another block: the second if that is in the last 20 before
// the block's 20, the third if it is in the last 450, and so on. In each way, a span's blocks are
// mapped one to one to those of the span before. So no write is rewritten by two blocks.
uint64_t Rewrites::RewrittenBy(uint64_t block) const {
  const auto spans =
      std::count_if(kSpans.begin(), kSpans.end(), [&](uint64_t span) { return span <= block; });
  const uint64_t way =
      Below(random_(draws::kRewrittenDistance, block), 1 + static_cast<uint64_t>(spans));
  if (way == 0) return block * kNewPerBlock;
  const uint64_t span = kSpans[way - 1];
  const uint64_t first = block / span * span;
  const uint64_t key = random_(draws::kRewrittenBlock, first);
  const uint64_t before = first - span + Permutation(span).At(key, block - first);
  return before * kNewPerBlock + way;
}

const char* Rewrites::ontology() const { return Ontology(); }

}  // namespace unirust::workload
