// Retention in random histories: writes, advances, other rules and openings in any order. After every step the graph is
// that of a fresh store, without rules, of what should remain (incremental_fixture.h).
//
// UNIRUST_RETENTION_SEEDS and UNIRUST_FIRST_SEED choose the histories; a failure prints its seed.
#include "tests/shard/incremental_fixture.h"

namespace unirust::shard {
namespace {

std::vector<std::string> Some(Dice& dice, const std::vector<std::string>& all) {
  std::vector<std::string> out;
  if (dice.OneIn(2)) return out;
  for (const std::string& one : all) {
    if (dice.OneIn(2)) out.push_back(one);
  }
  return out;
}

std::vector<ontology::RetentionRule> RandomRules(Dice& dice) {
  std::vector<ontology::RetentionRule> out;
  for (size_t n = dice.Below(4); n > 0; --n) {
    ontology::RetentionRule rule;
    rule.entity_types = Some(dice, {"person", "firm"});
    rule.perspectives = Some(dice, {"p0", "p1", "p2"});
    rule.ended_before = dice.OneIn(8) ? kMaxTime - static_cast<int64_t>(dice.Below(10))
                                      : static_cast<int64_t>(dice.Below(8));
    out.push_back(std::move(rule));
  }
  return out;
}

// The definition, one descriptor at a time, as the time since its end: that cannot overflow.
bool Expired(const ontology::Ontology& ontology, const Identity& identity, const Descriptor& d,
             Instant now) {
  const auto is_for = [](const std::vector<std::string>& names, const std::string& name) {
    return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
  };
  return d.interval.end != kMaxTime &&
         std::any_of(ontology.retention.begin(), ontology.retention.end(), [&](const auto& rule) {
           const uint64_t since = static_cast<uint64_t>(now) - static_cast<uint64_t>(d.interval.end);
           return is_for(rule.entity_types, identity.entity_type) &&
                  is_for(rule.perspectives, identity.perspective) && now > d.interval.end &&
                  since > static_cast<uint64_t>(rule.ended_before);
         });
}

class RetentionHistories : public IncrementalTest {
 protected:
  // The model: what should remain.
  void Forget() {
    for (auto& [identity, write] : live_) {
      Normalize(write.descriptors);
      if (!declared_) continue;
      std::erase_if(write.descriptors, [&, &who = identity](const Descriptor& d) {
        return Expired(engine_->GetOntology(), who, d, *declared_);
      });
    }
  }

  void WriteSome(Dice& dice) {
    std::vector<Write> batch;
    for (size_t n = 1 + dice.Below(12); n > 0; --n) batch.push_back(RandomWrite(dice));
    Apply(batch);
    Forget();
  }

  void Advance(Dice& dice) {
    const Instant now = declared_.value_or(-1) + static_cast<Instant>(dice.Below(7));
    const bool rules = !engine_->GetOntology().retention.empty();
    const auto advanced = engine_->AdvanceRetention(now, [] { return false; });
    ASSERT_EQ(advanced.ok(), rules) << advanced.status();
    if (!rules) return;
    ASSERT_EQ(advanced->declared, now);
    declared_ = now;
    Forget();
  }

  void ChangeOntology(Dice& dice) {
    ontology::Ontology ontology = dice.OneIn(2) ? RandomOntology(dice) : engine_->GetOntology();
    if (dice.OneIn(2)) ontology.retention = RandomRules(dice);
    if (ontology.retention != engine_->GetOntology().retention) declared_.reset();
    Start(ontology);
  }

  void Step(Dice& dice) {
    switch (dice.Below(8)) {
      case 0:
        return ChangeOntology(dice);
      case 1:
        return Reopen();
      case 2:
      case 3:
      case 4:
        return Advance(dice);
      default:
        return WriteSome(dice);
    }
  }

  std::optional<Instant> declared_;
};

TEST_F(RetentionHistories, GiveTheStateOfWhatRemains) {
  ForEachSeed("UNIRUST_RETENTION_SEEDS", [&](Dice& dice) {
    ontology::Ontology ontology = RandomOntology(dice);
    ontology.retention = RandomRules(dice);
    if (ontology.retention != engine_->GetOntology().retention) declared_.reset();
    Start(ontology);
    for (size_t steps = 6 + dice.Below(12); steps > 0 && !HasFailure(); --steps) {
      Step(dice);
      ExpectFresh(dice);
      EXPECT_EQ(engine_->Read().GetRetention()->declared, declared_);
    }
    RetractAll(dice);
    EXPECT_EQ(engine_->Read().GetRetention()->earliest_due, std::nullopt);
  });
}

}  // namespace
}  // namespace unirust::shard
