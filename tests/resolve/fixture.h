// An ontology compiled without a store, and random signatures.
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interner/interner.h"
#include "ontology/ontology.h"
#include "resolve/rules.h"
#include "resolve/signature.h"
#include "store/batch.h"
#include "store/rows.h"
#include "tests/model/generators.h"

namespace unirust::resolve {

// Nothing is stored: all symbols are pending.
class EmptyJournal : public interner::Journal {
 public:
  absl::StatusOr<std::optional<SymbolId>> LoadSymbol(std::string_view) override {
    return std::nullopt;
  }
  absl::StatusOr<std::string> LoadText(SymbolId) override {
    return absl::DataLossError("unknown symbol");
  }
  absl::StatusOr<SymbolId> LoadLast() override { return SymbolId(); }
};

class Compiled {
 public:
  explicit Compiled(std::string_view ontology_json)
      : rules(Rules::Compile(ontology::ParseOntology(ontology_json).value(), interner, batch_)
                  .value()) {}

  SymbolId Symbol(std::string_view text) { return interner.Intern(text, batch_).value(); }

  store::RecordRow Record(std::string_view perspective, std::vector<Descriptor> descriptors) {
    Normalize(descriptors);
    store::RecordRow row;
    row.entity_type = Symbol("person");
    row.perspective = Symbol(perspective);
    for (const Descriptor& d : descriptors)
      row.descriptors.push_back({Symbol(d.attribute), d.value, d.interval});
    return row;
  }

 private:
  EmptyJournal journal_;
  store::Batch batch_;

 public:
  interner::Interner interner{journal_};
  Rules rules;
};

// What one record may say: per identifier and domain at most one value set at an instant.
inline rc::Gen<Signature> RecordSignature() {
  return rc::gen::exec([] {
    Signature out;
    for (uint16_t identifier = 0; identifier < 2; ++identifier) {
      const SymbolId domain(*rc::gen::inRange<uint32_t>(0, 2));
      for (const Interval& piece : ElementaryIntervals(*rc::gen::resize(5, gen::AnyIntervals()))) {
        std::vector<std::string> values;
        for (const char* value : {"a", "b", "c"}) {
          if (*rc::gen::inRange(0, 3) == 0) values.emplace_back(value);
        }
        if (!values.empty()) out.push_back({identifier, domain, piece, values});
      }
    }
    Normalize(out);
    return out;
  });
}

// What a block of several records may say: nothing in it clashes.
inline rc::Gen<Signature> BlockSignature() {
  return rc::gen::exec([] {
    Signature out;
    for (int i = 0; i < *rc::gen::inRange(0, 3); ++i) {
      const Signature more = *RecordSignature();
      if (!Clash(out, more)) out = Merged(out, more);
    }
    return out;
  });
}

inline std::vector<Interval> Times(const Signature& signature) {
  std::vector<Interval> out;
  for (const StrongRow& row : signature) out.push_back(row.interval);
  return out;
}

// The definitions of semantics.md, 5, instant by instant.
struct NaiveComparison {
  std::vector<uint16_t> clashing;
  bool agree = false;
};

inline NaiveComparison CompareNaively(const Signature& a, const Signature& b) {
  NaiveComparison out;
  std::vector<Interval> times = Times(a);
  for (const Interval& i : Times(b)) times.push_back(i);
  for (const StrongRow& x : a) {
    for (const StrongRow& y : b) {
      if (x.identifier != y.identifier || x.domain != y.domain) continue;
      for (const Instant t : gen::Probes(times)) {
        if (!gen::Holds({x.interval}, t) || !gen::Holds({y.interval}, t)) continue;
        const bool common =
            std::any_of(x.values.begin(), x.values.end(), [&](const std::string& value) {
              return std::find(y.values.begin(), y.values.end(), value) != y.values.end();
            });
        out.agree = out.agree || common;
        if (!common) out.clashing.push_back(x.identifier);
      }
    }
  }
  std::sort(out.clashing.begin(), out.clashing.end());
  out.clashing.erase(std::unique(out.clashing.begin(), out.clashing.end()), out.clashing.end());
  return out;
}

}  // namespace unirust::resolve
