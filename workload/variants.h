// Variants of the workload "people", each of which is hard in one way. How many entities they make
// is not counted. Their records, entities and values are those of people (generator.h).
#pragma once

#include <cstdint>

#include "workload/order.h"
#include "workload/population.h"
#include "workload/random.h"
#include "workload/source.h"

namespace unirust::workload {

// The workload "hot-keys": what people who are provably different have in common, such as the
// number of a switchboard or a default account, is an identity key.
//
// The writes of people, each with one more descriptor, the last: `account`, undated, one of
// kHotValues values, drawn by entity. `account` is one more identity key, the weakest, of all
// types; the strong identifiers are those of people. So there is one group for each type and value,
// and a tenth of all records of the type is in it, as one run. All entities of whom a tax id or
// serial is known clash there: they are disputed, remain those of people, and the run is contested.
// Records without one, for nothing that joins them to one has arrived yet (or was retracted), are
// undisputed and are one entity for each type and value: it is large, and loses records as others
// arrive.
class HotKeys : public Source {
 public:
  static constexpr uint64_t kHotValues = 10;

  explicit HotKeys(const Options& options) : population_(options), random_(options.seed) {}

  uint64_t writes() const override { return population_.plan().writes(); }
  void Make(uint64_t position, Write* write) const override;
  const char* ontology() const override;

 private:
  Population population_;
  Random random_;
};

// The workload "contested": half of all records claim what is not theirs.
//
// The writes of people, but which records are contested is drawn by record: every second one tells
// the handle (e-mail, website, hostname) of another entity of its group (plan.h), thus of its type,
// instead of its own; both writes of a record that is written twice do. Whoever tells a tax id or
// serial clashes with the owner of the handle, so nearly every run of a handle is contested.
// People's records that tell none join the wrong entity, or several claimants, and are settled.
class Contested : public Source {
 public:
  explicit Contested(const Options& options) : population_(options), random_(options.seed) {}

  uint64_t writes() const override { return population_.plan().writes(); }
  void Make(uint64_t position, Write* write) const override;
  const char* ontology() const override;

 private:
  Population population_;
  Random random_;
};

// The workload "rewrites": a fifth of all writes moves evidence from one entity to another.
//
// Writes come in blocks of five. Four of them are each the only new write of a record of people, as
// version 1 (nothing is retracted or written twice as it is there). The fifth is a rewrite, version
// 2: it says the same as the record of one of the new writes before it, but for another handle.
// That is, half the time each, the handle of another entity of the record's group, or one that no
// other record has. A record is rewritten at most once. From a rewrite to what it rewrites it is 4
// positions, up to 200, up to 4,500 or up to 100,000, equally often where there are as many.
class Rewrites : public Source {
 public:
  explicit Rewrites(const Options& options);

  // One for each record, and a rewrite for each four of them.
  uint64_t writes() const override;
  void Make(uint64_t position, Write* write) const override;
  const char* ontology() const override;

 private:
  // Which of the new writes the rewrite of this block is about.
  uint64_t RewrittenBy(uint64_t block) const;

  Population population_;
  Random random_;
  Order order_;  // of the records
};

}  // namespace unirust::workload
