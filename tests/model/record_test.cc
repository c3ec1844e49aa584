#include "model/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/limits.h"
#include "tests/model/generators.h"

namespace unirust {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// --- names ---------------------------------------------------------------------------------------

rc::Gen<std::string> Part() {
  return rc::gen::nonEmpty(
      rc::gen::container<std::string>(rc::gen::element('%', '/', '2', '5', 'F', 'a', ' ')));
}

RC_GTEST_PROP(RecordName, ComesBackAndTellsIdentitiesApart, ()) {
  const Identity a{*Part(), *Part(), *Part()};
  const Identity b{*Part(), *Part(), *Part()};
  const auto back = ParseRecordName(RecordName(a));
  RC_ASSERT(back.ok());
  RC_ASSERT(*back == a);
  RC_ASSERT((RecordName(a) == RecordName(b)) == (a == b));
}

RC_GTEST_PROP(ParseRecordName, TakesOnlyWhatRecordNameGives, ()) {
  const std::string name =
      *rc::gen::container<std::string>(rc::gen::element('%', '/', '2', '5', 'F', 'f', 'a'));
  const auto identity = ParseRecordName(name);
  if (identity.ok()) RC_ASSERT(RecordName(*identity) == name);
}

TEST(RecordName, EscapesPercentAndSlash) {
  EXPECT_EQ(RecordName({"person", "crm", "42"}), "person/crm/42");
  EXPECT_EQ(RecordName({"a/b", "50%", "%2F"}), "a%2Fb/50%25/%252F");
}

TEST(ParseRecordName, RefusesOtherTexts) {
  for (const char* name : {"", "a", "a/b", "a/b/c/d", "/b/c", "a//c", "a/b/", "a/b/%", "a/b/%2",
                           "a/b/%2f", "a/b/%41", "a/b/c%", "a/b/\xFF"}) {
    const auto identity = ParseRecordName(name);
    EXPECT_EQ(identity.status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(identity.status().message()), HasSubstr("type/perspective/uid"));
  }
}

// --- descriptors ---------------------------------------------------------------------------------

TEST(Normalize, SortsAndCoalescesPerAttributeAndValue) {
  std::vector<Descriptor> d = {{"b", "x", {0, 1}}, {"a", "y", {5, 6}}, {"a", "x", {3, 4}},
                               {"a", "x", {0, 3}}, {"a", "x", {6, 7}}, {"b", "x", {0, 1}}};
  Normalize(d);
  EXPECT_THAT(d, ElementsAre(Descriptor{"a", "x", {0, 4}}, Descriptor{"a", "x", {6, 7}},
                             Descriptor{"a", "y", {5, 6}}, Descriptor{"b", "x", {0, 1}}));
}

RC_GTEST_PROP(Normalize, IsCoalescePerAttributeAndValueInAnyOrder, ()) {
  std::vector<Descriptor> descriptors;
  std::map<std::pair<std::string, std::string>, std::vector<Interval>> by_value;
  for (const Interval& interval : *gen::AnyIntervals()) {
    const auto attribute = *rc::gen::element<std::string>("a", "ab", "\xC3\xA9");
    const auto value = *rc::gen::element<std::string>("", "x");
    descriptors.push_back({attribute, value, interval});
    by_value[{attribute, value}].push_back(interval);
  }
  std::vector<Descriptor> expected;
  for (const auto& [key, intervals] : by_value) {
    for (const Interval& i : Coalesce(intervals)) expected.push_back({key.first, key.second, i});
  }
  std::vector<Descriptor> reversed(descriptors.rbegin(), descriptors.rend());
  Normalize(descriptors);
  Normalize(reversed);
  RC_ASSERT(descriptors == expected);
  RC_ASSERT(reversed == expected);
}

// --- checks --------------------------------------------------------------------------------------

Write Good() {
  return {.identity = {"person", "crm", "42"},
          .version = {},
          .descriptors = {{"email", "a@x.org", {0, 1}}}};
}

std::string Refusal(const std::function<void(Write&)>& change) {
  Write write = Good();
  change(write);
  const absl::Status status = Check(write);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(Check, TakesWhatTheLimitsAllow) {
  EXPECT_TRUE(Check(Good()).ok());
  Write write = Good();
  write.identity = {std::string(limits::kIdentityPartBytesMax, 't'),
                    std::string(limits::kIdentityPartBytesMax, 'p'),
                    std::string(limits::kIdentityPartBytesMax, 'u')};
  write.descriptors.assign(limits::kDescriptorsPerRecordMax, {"a", "", {kMinTime, kMaxTime}});
  write.descriptors[0].attribute = std::string(limits::kAttributeBytesMax, 'a');
  write.descriptors[0].value = std::string(limits::kValueBytesMax, 'v');
  EXPECT_EQ(Check(write), absl::OkStatus());
  write.descriptors.clear();
  EXPECT_TRUE(Check(write).ok());
}

TEST(Check, NamesAnIdentityPartThatIsMissingTooLongOrNotUtf8) {
  const std::map<std::string, std::string Identity::*> parts = {
      {"entity_type", &Identity::entity_type},
      {"perspective", &Identity::perspective},
      {"uid", &Identity::uid}};
  for (const auto& [name, part] : parts) {
    EXPECT_EQ(Refusal([&](Write& w) { w.identity.*part = ""; }), name + ": must not be empty");
    EXPECT_EQ(Refusal([&](Write& w) {
                w.identity.*part = std::string(limits::kIdentityPartBytesMax + 1, 'x');
              }),
              name + ": 1025 bytes, at most 1024 are allowed");
    EXPECT_EQ(Refusal([&](Write& w) { w.identity.*part = "\xC3"; }), name + ": not UTF-8");
  }
}

TEST(Check, NamesADescriptorThatIsNotAllowed) {
  const auto second = [](Write& w) -> Descriptor& {
    return w.descriptors.emplace_back(Descriptor{"a", "v", {0, 1}});
  };
  EXPECT_EQ(Refusal([&](Write& w) { second(w).attribute = ""; }),
            "descriptors[1].attr: must not be empty");
  EXPECT_EQ(Refusal([&](Write& w) { second(w).attribute = "\xFF"; }),
            "descriptors[1].attr: not UTF-8");
  EXPECT_EQ(Refusal([&](Write& w) { second(w).value = "\xFF"; }),
            "descriptors[1].value: not UTF-8");
  EXPECT_THAT(Refusal([&](Write& w) {
                second(w).attribute = std::string(limits::kAttributeBytesMax + 1, 'a');
              }),
              StartsWith("descriptors[1].attr: 1025 bytes"));
  EXPECT_THAT(
      Refusal([&](Write& w) { second(w).value = std::string(limits::kValueBytesMax + 1, 'v'); }),
      StartsWith("descriptors[1].value: 65537 bytes"));
  EXPECT_EQ(Refusal([&](Write& w) {
              second(w).interval = {7, 5};
            }),
            "descriptors[1].end: 5 <= start 7");
  EXPECT_EQ(Refusal([&](Write& w) {
              second(w).interval = {7, 7};
            }),
            "descriptors[1].end: 7 <= start 7");
  EXPECT_EQ(Refusal([&](Write& w) {
              second(w).interval = {kMaxTime, kMinTime};
            }),
            "descriptors[1].end: -9223372036854775808 <= start 9223372036854775807");
}

TEST(Check, RefusesTooManyDescriptors) {
  EXPECT_EQ(Refusal([](Write& w) {
              w.descriptors.assign(limits::kDescriptorsPerRecordMax + 1, {"a", "v", {0, 1}});
            }),
            "descriptors: 65536 of them, at most 65535 are allowed");
}

TEST(Check, LooksAtTheDescriptorsOfARetractionToo) {
  EXPECT_THAT(Refusal([](Write& w) {
                w.retract = true;
                w.descriptors[0].interval = {1, 1};
              }),
              StartsWith("descriptors[0].end"));
}

TEST(IsUtf8, KnowsWellFormedTextFromOther) {
  for (const char* text : {"", "a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                           "\xF4\x8F\xBF\xBF", "\xEF\xBF\xBE"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  EXPECT_TRUE(IsUtf8(std::string_view("\0", 1)));
  for (const char* text :
       {"\x80", "\xC3", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xED\xBF\xBF",
        "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xE2\x82"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

}  // namespace
}  // namespace unirust
