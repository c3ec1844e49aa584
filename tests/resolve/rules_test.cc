#include "resolve/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/resolve/fixture.h"

namespace unirust::resolve {
namespace {

using ontology::Strategy;
using ::testing::ElementsAre;

TEST(Rules, CompileEveryPartOfTheOntology) {
  Compiled c(R"({
    "identity_keys": [{"name": "k", "attributes": ["b", "a"], "max_group": 5, "hold": true, "entity_types": ["p"]},
                      {"name": "l", "attributes": ["a"]}],
    "strong_identifiers": ["tax", {"attribute": "vat", "scope": "global", "entity_types": ["p", "q"]}],
    "constraints": [{"name": "one", "attribute": "a"},
                    {"name": "each", "attribute": "b", "kind": "unique_within_perspective"}],
    "attributes": {"a": {"multi_valued": true, "ignored_values": ["n/a"]}},
    "perspective_weights": {"crm": 1.5},
    "golden": {"default": ["latest"], "attributes": {"b": ["priority", "smallest"]}}})");
  const Rules& rules = c.rules;
  EXPECT_EQ(rules.levels(), 2);
  EXPECT_EQ(rules.keys()[0].name, "k");
  EXPECT_THAT(rules.keys()[0].attributes, ElementsAre(c.Symbol("b"), c.Symbol("a")));
  EXPECT_EQ(rules.keys()[0].max_group, 5U);
  EXPECT_TRUE(rules.keys()[0].hold);
  EXPECT_TRUE(rules.keys()[0].types.Has(c.Symbol("p")));
  EXPECT_FALSE(rules.keys()[0].types.Has(c.Symbol("q")));
  EXPECT_TRUE(rules.keys()[1].types.Has(c.Symbol("q"))) << "for all types";
  EXPECT_EQ(rules.keys()[1].max_group, ~uint64_t{0});
  EXPECT_FALSE(rules.keys()[1].hold);
  EXPECT_FALSE(rules.strong()[0].global);
  EXPECT_TRUE(rules.strong()[1].global);
  EXPECT_EQ(rules.strong()[1].attribute, c.Symbol("vat"));
  EXPECT_FALSE(rules.constraints()[0].within_perspective);
  EXPECT_TRUE(rules.constraints()[1].within_perspective);
  EXPECT_TRUE(rules.Attribute(c.Symbol("a")).multi_valued);
  EXPECT_THAT(rules.Attribute(c.Symbol("a")).strategies, ElementsAre(Strategy::kLatest));
  EXPECT_THAT(rules.Attribute(c.Symbol("b")).strategies,
              ElementsAre(Strategy::kPriority, Strategy::kSmallest));
  EXPECT_THAT(rules.Attribute(c.Symbol("other")).strategies, ElementsAre(Strategy::kLatest));
  EXPECT_EQ(rules.Weight(c.Symbol("crm")), 1.5);
  EXPECT_EQ(rules.Weight(c.Symbol("erp")), 0.0);
}

TEST(Rules, EmptyAndIgnoredValuesDoNotCount) {
  Compiled c(R"({"attributes": {"a": {"ignored_values": ["n/a", ""]}}})");
  EXPECT_FALSE(c.rules.Counts(c.Symbol("a"), ""));
  EXPECT_FALSE(c.rules.Counts(c.Symbol("a"), "n/a"));
  EXPECT_TRUE(c.rules.Counts(c.Symbol("a"), "N/A"));
  EXPECT_FALSE(c.rules.Counts(c.Symbol("b"), ""));
  EXPECT_TRUE(c.rules.Counts(c.Symbol("b"), "n/a"));
}

}  // namespace
}  // namespace unirust::resolve
