// What blocks are made of: kids, and records below them.
#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/limits.h"
#include "resolve/working_set.h"

namespace unirust::resolve {

using store::Family;

std::vector<RecordId> WorkingSet::RecordsOf(BlockName top, SortedRows::When when) {
  const bool now = when == SortedRows::When::kNow;
  std::vector<RecordId> out;
  std::vector<std::pair<BlockName, uint16_t>> open = {{top, 0xFFFF}};
  while (!open.empty()) {
    const auto [name, below] = open.back();
    open.pop_back();
    if (store::IsRecord(name)) {
      const RecordState& record = Record(store::RecordOf(name));
      if (now ? record.live_now : record.live_before) out.push_back(record.id);
      continue;
    }
    const BlockRow& row = now ? Block(name).now() : Block(name).before();
    if (row.level >= below) {  // levels strictly decrease on the way down; anything else is damage
      Fail(store::Damaged(Family::kBlocks, store::NameKey{name}.Encode()));
      continue;
    }
    const uint16_t level = row.level;
    if (row.large) {
      for (const BlockName kid : KidsOf(name, row, when)) open.emplace_back(kid, level);
    } else {
      for (const BlockName kid : row.kids) open.emplace_back(kid, level);
    }
  }
  return out;
}

std::vector<RecordId> WorkingSet::RecordsBefore(BlockName name) {
  return RecordsOf(name, SortedRows::When::kBefore);
}

std::vector<RecordId> WorkingSet::RecordsNow(BlockName name) {
  return RecordsOf(name, SortedRows::When::kNow);
}

uint64_t KidCount(const BlockRow& row) { return row.large ? row.large_kids : row.kids.size(); }

std::vector<BlockName> WorkingSet::KidsOf(BlockName block, const BlockRow& row,
                                          SortedRows::When when) {
  if (!row.large) return row.kids;
  std::vector<BlockName> out;
  const std::string prefix = store::KidKey::Prefix(block);
  const auto visit = [&](std::string_view key, std::string_view) {
    if (const auto decoded = store::KidKey::Decode(key)) {
      out.push_back(decoded->kid);
    } else {
      Fail(store::Damaged(Family::kKids, key));
    }
    return true;
  };
  kids_.Walk(prefix, PrefixEnd(prefix), visit, when);
  Fail(kids_.status());
  return out;
}

namespace {

std::string EncodedKid(BlockName block, BlockName kid, const FirstRecord& first) {
  return store::KidKey{block, first.perspective, first.uid, kid}.Encode();
}

}  // namespace

void WorkingSet::AddKid(NameState& block, NameState& kid) {
  BlockRow& row = Block(block).Edit();
  if (row.large) {
    ++row.large_kids;
    kids_.Put(EncodedKid(block.name, kid.name, FirstNow(kid)), "");
    return;
  }
  row.kids.push_back(kid.name);
  if (row.kids.size() < limits::kLargeBlockKidsMin) return;
  row.large = true;
  row.large_kids = row.kids.size();
  for (const BlockName own : std::exchange(row.kids, {})) {
    kids_.Put(EncodedKid(block.name, own, FirstNow(own)), "");
  }
}

void WorkingSet::RemoveKid(BlockName block, BlockName kid, const FirstRecord& first) {
  BlockRow& row = Block(block).Edit();
  if (!row.large) {
    std::erase(row.kids, kid);
    return;
  }
  std::string key = EncodedKid(block, kid, first);
  if (!kids_.Now(key)) return Fail(store::Damaged(Family::kKids, key));
  kids_.Delete(std::move(key));
  if (--row.large_kids >= limits::kLargeBlockKidsMin) return;
  std::vector<BlockName> kids = KidsNow(block);
  DeleteKids(block);
  row.kids = std::move(kids);
  row.large = false;
  row.large_kids = 0;
}

void WorkingSet::MoveKid(BlockName block, BlockName kid, const FirstRecord& first) {
  if (!Block(block).now().large) return;
  std::string key = EncodedKid(block, kid, first);
  if (!kids_.Now(key)) return Fail(store::Damaged(Family::kKids, key));
  kids_.Delete(std::move(key));
  kids_.Put(EncodedKid(block, kid, FirstNow(kid)), "");
}

void WorkingSet::RemoveBlock(BlockName block) {
  if (Block(block).now().large) DeleteKids(block);
  Block(block).Remove();
}

void WorkingSet::DeleteKids(BlockName block) {
  std::vector<std::string> keys;
  const std::string prefix = store::KidKey::Prefix(block);
  kids_.Walk(prefix, PrefixEnd(prefix), [&](std::string_view key, std::string_view) {
    keys.emplace_back(key);
    return true;
  });
  for (std::string& key : keys) kids_.Delete(std::move(key));
}

FirstRecord WorkingSet::FirstOfKids(BlockName block, interner::Interner& interner) {
  std::optional<FirstRecord> out;
  const auto take = [&](BlockName kid) {
    const FirstRecord first = FirstNow(kid);
    if (!out || Before(first, *out, interner)) out = first;
  };
  if (!Block(block).now().large) {
    for (const BlockName kid : Block(block).now().kids) take(kid);
    return out.value_or(FirstRecord());
  }
  const std::string end = PrefixEnd(store::KidKey::Prefix(block));  // of each perspective the first one tells
  std::optional<store::KidKey> next;
  std::string from = store::KidKey::Prefix(block);
  do {
    next.reset();
    kids_.Walk(from, end, [&](std::string_view key, std::string_view) {
      next = store::KidKey::Decode(key);
      if (!next) Fail(store::Damaged(Family::kKids, key));
      return false;
    });
    if (!next) break;
    take(next->kid);
    from = PrefixEnd(store::KidKey::Prefix(block, next->perspective));
  } while (from < end);
  Fail(kids_.status());
  return out.value_or(FirstRecord());
}

}  // namespace unirust::resolve
