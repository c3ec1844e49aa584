#include "store/rocks_memtable.h"

#include <rocksdb/version.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "base/bytes.h"
#include "base/mutex.h"
#include "store/rocks_reader.h"

namespace unirust::store {
namespace {

namespace rdb = rocksdb;

constexpr size_t kFirstCapacity = 16;

struct Entry {
  uint64_t head;    // of the user key: most comparisons end here
  const char* key;  // as RocksDB lays out entries of a memtable
};

// Entries in ascending order. One thread appends, any number reads what size() told them.
class Run {
 public:
  explicit Run(size_t capacity)
      : entries_(std::make_unique_for_overwrite<Entry[]>(capacity)), capacity_(capacity) {}

  size_t size() const { return size_.load(std::memory_order_acquire); }
  size_t capacity() const { return capacity_; }
  const Entry* entries() const { return entries_.get(); }
  const Entry& back() const { return entries_[size() - 1]; }
  bool full() const { return size() == capacity_; }

  void Append(const Entry& entry) {  // not full
    const size_t size = size_.load(std::memory_order_relaxed);
    entries_[size] = entry;
    size_.store(size + 1, std::memory_order_release);
  }

 private:
  const std::unique_ptr<Entry[]> entries_;
  const size_t capacity_;
  std::atomic<size_t> size_ = 0;
};

using Runs = std::vector<std::shared_ptr<Run>>;  // the last one grows, the others never change

class Order {
 public:
  explicit Order(const rdb::MemTableRep::KeyComparator& compare) : compare_(compare) {}

  Entry EntryOf(const char* key) const {
    rdb::Slice user_key = compare_.decode_key(key);
    user_key.remove_suffix(kTrailerBytes);
    return {HeadOf(View(user_key)), key};
  }
  bool Less(const Entry& a, const Entry& b) const {
    return a.head != b.head ? a.head < b.head : compare_(a.key, b.key) < 0;
  }

  // A key that is looked for, as RocksDB has it inside: user key and trailer.
  struct Target {
    explicit Target(const rdb::Slice& internal_key)
        : key(internal_key),
          head(HeadOf(View(internal_key).substr(0, internal_key.size() - kTrailerBytes))) {}
    rdb::Slice key;
    uint64_t head;
  };
  int Compare(const Entry& entry, const Target& target) const {
    if (entry.head != target.head) return entry.head < target.head ? -1 : 1;
    return compare_(entry.key, target.key);
  }

 private:
  static constexpr size_t kTrailerBytes = 8;  // sequence number and kind
  const rdb::MemTableRep::KeyComparator& compare_;
};

// Merges the runs as they were when it was made. Going forward, every run stands on its first entry behind the current
// one; going backward, on its last before it.
class RunsIterator final : public rdb::MemTableRep::Iterator {
 public:
  RunsIterator(std::shared_ptr<const Runs> runs, const Order& order)
      : runs_(std::move(runs)), order_(order) {
    positions_.reserve(runs_->size());
    for (const std::shared_ptr<Run>& run : *runs_) {
      positions_.push_back({run->entries(), static_cast<ptrdiff_t>(run->size()), 0});
    }
  }

  bool Valid() const override { return current_ != nullptr; }
  const char* key() const override { return current_->entry().key; }

  void Next() override {
    if (forward_) {
      ++current_->at;
    } else {
      for (Position& position : positions_) ++position.at;
    }
    StandOnFirst();
  }
  void Prev() override {
    if (!forward_) {
      --current_->at;
    } else {
      for (Position& position : positions_) --position.at;
    }
    StandOnLast();
  }
  void Seek(const rdb::Slice& internal_key, const char* /*memtable_key*/) override {
    const Order::Target target(internal_key);
    for (Position& position : positions_) {
      position.at = position.CountWhile(
          [&](const Entry& entry) { return order_.Compare(entry, target) < 0; });
    }
    StandOnFirst();
  }
  void SeekForPrev(const rdb::Slice& internal_key, const char* /*memtable_key*/) override {
    const Order::Target target(internal_key);
    for (Position& position : positions_) {
      position.at = position.CountWhile([&](const Entry& entry) {
        return order_.Compare(entry, target) <= 0;
      }) - 1;
    }
    StandOnLast();
  }
  void SeekToFirst() override {
    for (Position& position : positions_) position.at = 0;
    StandOnFirst();
  }
  void SeekToLast() override {
    for (Position& position : positions_) position.at = position.size - 1;
    StandOnLast();
  }

 private:
  struct Position {
    const Entry* entries;
    ptrdiff_t size;
    ptrdiff_t at;
    const Entry& entry() const { return entries[at]; }
    // How many entries at the start meet a condition that the others do not.
    template <typename Condition>
    ptrdiff_t CountWhile(const Condition& condition) const {
      return std::partition_point(entries, entries + size, condition) - entries;
    }
  };

  void StandOnFirst() {
    forward_ = true;
    current_ = nullptr;
    for (Position& position : positions_) {
      if (position.at >= position.size) continue;
      if (current_ == nullptr || order_.Less(position.entry(), current_->entry())) {
        current_ = &position;
      }
    }
  }
  void StandOnLast() {
    forward_ = false;
    current_ = nullptr;
    for (Position& position : positions_) {
      if (position.at < 0) continue;
      if (current_ == nullptr || order_.Less(current_->entry(), position.entry())) {
        current_ = &position;
      }
    }
  }

  const std::shared_ptr<const Runs> runs_;
  const Order& order_;
  absl::InlinedVector<Position, 8> positions_;
  Position* current_ = nullptr;
  bool forward_ = true;
};

// Two things that RocksDB's public headers do not tell, and that hold for this version:
// - MemTableRep::Get knows the key, which it hides from us, asks for an iterator, and does not delete it: this one is
//   lent to it.
// - An Arena is an Allocator (memory/arena.h).
static_assert(ROCKSDB_MAJOR == 7 && ROCKSDB_MINOR == 8, "see whether these two still hold");
thread_local RunsIterator* lent_to_get = nullptr;

class SortedMemtable final : public rdb::MemTableRep {
 public:
  SortedMemtable(const KeyComparator& compare, rdb::Allocator* allocator)
      : MemTableRep(allocator), compare_(compare), order_(compare), runs_(NoRuns()) {}

  void Insert(rdb::KeyHandle handle) override {
    const Entry entry = order_.EntryOf(static_cast<const char*>(handle));
    if (tail_ == nullptr || !order_.Less(tail_->back(), entry)) {
      BeginRun();
    } else if (tail_->full()) {
      GrowTail();
    }
    tail_->Append(entry);
  }

  void Get(const rdb::LookupKey& key, void* argument,
           bool (*callback)(void* argument, const char* entry)) override {
    RunsIterator iterator(Current(), order_);
    RunsIterator* const outer = std::exchange(lent_to_get, &iterator);
    MemTableRep::Get(key, argument, callback);
    lent_to_get = outer;
  }
  Iterator* GetDynamicPrefixIterator(rdb::Arena* arena) override {
    return lent_to_get != nullptr ? lent_to_get : GetIterator(arena);
  }

  bool Contains(const char* key) const override {
    const Entry wanted = order_.EntryOf(key);
    const std::shared_ptr<const Runs> runs = Current();
    return std::any_of(runs->begin(), runs->end(), [&](const std::shared_ptr<Run>& run) {
      return std::binary_search(run->entries(), run->entries() + run->size(), wanted,
                                [&](const Entry& a, const Entry& b) { return order_.Less(a, b); });
    });
  }

  uint64_t ApproximateNumEntries(const rdb::Slice& first, const rdb::Slice& end) override {
    uint64_t out = 0;
    for (const std::shared_ptr<Run>& run : *Current()) {
      const Entry* const run_end = run->entries() + run->size();
      const auto before = [&](const Order::Target& target) {
        return std::partition_point(run->entries(), run_end, [&](const Entry& entry) {
          return order_.Compare(entry, target) < 0;
        });
      };
      const ptrdiff_t between = before(Order::Target(end)) - before(Order::Target(first));
      out += static_cast<uint64_t>(std::max<ptrdiff_t>(between, 0));
    }
    return out;
  }

  size_t ApproximateMemoryUsage() override { return bytes_.load(std::memory_order_relaxed); }

  Iterator* GetIterator(rdb::Arena* arena) override {
    if (arena == nullptr) return new RunsIterator(Current(), order_);
    return new (MemoryForIterator(arena)) RunsIterator(Current(), order_);
  }

 private:
  static const std::shared_ptr<const Runs>& NoRuns() {
    static const auto kNone = std::make_shared<const Runs>();
    return kNone;
  }

  // Only a memtable can ask an allocator for memory: an empty one, for the arena.
  void* MemoryForIterator(rdb::Arena* arena) const {
    SortedMemtable asking(compare_, reinterpret_cast<rdb::Allocator*>(arena));
    size_t bytes = sizeof(RunsIterator) + alignof(RunsIterator);
    char* memory = nullptr;
    asking.Allocate(bytes, &memory);
    void* aligned = memory;
    return std::align(alignof(RunsIterator), sizeof(RunsIterator), aligned, bytes);
  }

  std::shared_ptr<const Runs> Current() const {
    MutexLock lock(mutex_);
    return runs_;
  }

  // The writer's: only it replaces the list.
  void Publish(Runs runs) {
    size_t entries = 0;
    for (const std::shared_ptr<Run>& run : runs) entries += run->capacity();
    bytes_.store(entries * sizeof(Entry), std::memory_order_relaxed);
    tail_ = runs.back().get();
    auto list = std::make_shared<const Runs>(std::move(runs));
    MutexLock lock(mutex_);
    runs_.swap(list);
  }

  void BeginRun() {
    Runs runs = *Current();
    while (runs.size() > 1 && runs[runs.size() - 2]->size() < 2 * runs.back()->size()) {
      const std::shared_ptr<Run> last = std::move(runs.back());
      runs.pop_back();
      runs.back() = Merged(*runs.back(), *last);
    }
    runs.push_back(std::make_shared<Run>(kFirstCapacity));
    Publish(std::move(runs));
  }

  void GrowTail() {
    Runs runs = *Current();
    const Run& small = *runs.back();
    auto large = std::make_shared<Run>(2 * small.capacity());
    for (size_t i = 0; i < small.size(); ++i) large->Append(small.entries()[i]);
    runs.back() = std::move(large);
    Publish(std::move(runs));
  }

  std::shared_ptr<Run> Merged(const Run& a, const Run& b) const {
    auto out = std::make_shared<Run>(a.size() + b.size());
    const Entry* at_a = a.entries();
    const Entry* at_b = b.entries();
    const Entry* const end_a = at_a + a.size();
    const Entry* const end_b = at_b + b.size();
    while (at_a != end_a && at_b != end_b) {
      out->Append(order_.Less(*at_a, *at_b) ? *at_a++ : *at_b++);
    }
    while (at_a != end_a) out->Append(*at_a++);
    while (at_b != end_b) out->Append(*at_b++);
    return out;
  }

  const KeyComparator& compare_;
  const Order order_;
  std::atomic<size_t> bytes_ = 0;
  Run* tail_ = nullptr;  // the last run; the writer's
  mutable Mutex mutex_;
  std::shared_ptr<const Runs> runs_ ABSL_GUARDED_BY(mutex_);
};

class SortedMemtableFactory final : public rdb::MemTableRepFactory {
 public:
  const char* Name() const override { return "unirust.sorted"; }
  using rdb::MemTableRepFactory::CreateMemTableRep;
  rdb::MemTableRep* CreateMemTableRep(const rdb::MemTableRep::KeyComparator& compare,
                                      rdb::Allocator* allocator,
                                      const rdb::SliceTransform* /*prefixes*/,
                                      rdb::Logger* /*log*/) override {
    return new SortedMemtable(compare, allocator);
  }
};

}  // namespace

std::shared_ptr<rdb::MemTableRepFactory> NewSortedMemtableFactory() {
  return std::make_shared<SortedMemtableFactory>();
}

}  // namespace unirust::store
