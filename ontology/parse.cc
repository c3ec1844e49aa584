// From JSON text to a checked Ontology, in one pass over the parsed document that fills the
// ontology and collects the faults. Each fault begins with its place, as in tests/oracle/oracle.py:
// "identity_keys[1]: name is missing".
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/limits.h"
#include "ontology/names.h"
#include "ontology/ontology.h"

namespace unirust::ontology {
namespace {

using Json = nlohmann::json;

// Builds the document. Of a repeated member the last one counts. An integer of more than 64 bits is
// kept as its digits, in a binary value, which JSON text has no other use for: it is a good
// max_group, and 1e30 is none.
class DocumentBuilder : public nlohmann::detail::json_sax_dom_parser<Json> {
 public:
  explicit DocumentBuilder(Json* document)
      : json_sax_dom_parser(*document, /*allow_exceptions_=*/false) {}

  bool number_float(double value, const std::string& token) {
    if (token.find_first_of(".eE") != std::string::npos) {
      return json_sax_dom_parser::number_float(value, token);
    }
    Json::binary_t digits(std::vector<uint8_t>(token.begin(), token.end()));
    return binary(digits);
  }

  template <typename Exception>
  bool parse_error(size_t /*position*/, const std::string& /*token*/, const Exception& exception) {
    error_ = exception.what();
    error_.erase(0, error_.find("] ") + 2);  // the library's own error code
    return false;
  }

  const std::string& error() const { return error_; }

 private:
  std::string error_;
};

std::string Digits(const Json& big_integer) {
  return {big_integer.get_binary().begin(), big_integer.get_binary().end()};
}

// What a fault shows of the value at fault; bounded, whatever the value.
std::string Show(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  std::string text = value.is_binary() ? Digits(value) : value.dump();
  constexpr size_t kShownBytesMax = 60;
  if (text.size() <= kShownBytesMax) return text;
  size_t end = kShownBytesMax;
  while ((static_cast<uint8_t>(text[end]) & 0xC0U) == 0x80U) --end;  // whole UTF-8 characters
  return text.substr(0, end) + "...";
}

template <typename Names>
std::string OneOf(const Names& names) {
  std::string out = "one of";
  for (const std::string_view name : names) {
    out += name == names.front() ? " " : ", ";
    out += name;
  }
  return out;
}

class OntologyReader {
 public:
  absl::StatusOr<Ontology> Read(const Json& document);

 private:
  struct Field {
    std::string_view name;
    bool needed;
    std::function<void(const std::string& place, const Json& value)> read;
  };

  void Fault(const std::string& place, const std::string& what) {
    if (!faults_.empty()) faults_ += "; ";
    faults_ += place + ": " + what;
  }
  void WrongValue(const std::string& place, const std::string& needed, const Json& value) {
    Fault(place, needed + " is needed, not " + Show(value));
  }

  void ReadObject(const std::string& place, const Json& value, const std::vector<Field>& fields);

  template <typename Element>
  void ReadList(const std::string& place, const Json& value, const Element& read_element) {
    if (!value.is_array()) return WrongValue(place, "a list", value);
    for (const Json& element : value) read_element(element);
  }
  template <typename Member>
  void ReadMap(const std::string& place, const Json& value, const Member& read_member) {
    if (!value.is_object()) return WrongValue(place, "an object", value);
    for (const auto& [name, member] : value.items()) read_member(name, member);
  }

  std::string ReadText(const std::string& place, const Json& value);
  bool ReadFlag(const std::string& place, const Json& value);
  uint64_t ReadMaxGroup(const std::string& place, const Json& value);
  int64_t ReadDuration(const std::string& place, const Json& value);
  double ReadWeight(const std::string& place, const Json& value);
  std::vector<std::string> ReadTexts(const std::string& place, const Json& value);
  template <typename Enum, typename Names>
  Enum ReadEnum(const std::string& place, const Json& value, const Names& names);
  std::vector<Strategy> ReadStrategies(const std::string& place, const Json& value);

  Field Types(EntityTypes* types) {
    return {"entity_types", false,
            [this, types](auto& place, auto& value) { *types = ReadTexts(place, value); }};
  }
  enum class Need { kNeeded, kOptional };
  Field Text(std::string_view name, std::string* text, Need need = Need::kNeeded) {
    return {name, need == Need::kNeeded, [this, text](auto& place, auto& value) {
              *text = ReadText(place, value);
              if (text->size() <= limits::kOntologyNameBytesMax) return;
              Fault(place, std::to_string(text->size()) + " bytes, at most " +
                               std::to_string(limits::kOntologyNameBytesMax) + " are allowed");
            }};
  }

  IdentityKey ReadKey(const std::string& place, const Json& value);
  StrongIdentifier ReadStrongIdentifier(const std::string& place, const Json& value);
  Constraint ReadConstraint(const std::string& place, const Json& value);
  AttributeRule ReadAttribute(const std::string& place, const Json& value);
  RetentionRule ReadRetention(const std::string& place, const Json& value);
  void ReadGolden(const Json& value, Ontology* ontology);

  // A section that is a list of rules; no two may have the same value of `name`.
  template <typename Rule>
  Field Rules(std::string_view section, std::vector<Rule>* rules,
              Rule (OntologyReader::*read)(const std::string&, const Json&),
              std::string Rule::*name);

  std::string faults_;
};

void OntologyReader::ReadObject(const std::string& place, const Json& value,
                                const std::vector<Field>& fields) {
  if (!value.is_object()) return WrongValue(place, "an object", value);
  for (const Field& field : fields) {
    if (field.needed && !value.contains(field.name)) {
      Fault(place, std::string(field.name) + " is missing");
    }
  }
  for (const auto& [name, member] : value.items()) {
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&n = name](const Field& f) { return f.name == n; });
    if (field == fields.end()) {
      Fault(place, "unknown field " + Show(name));
    } else {
      field->read(place + ": " + name, member);
    }
  }
}

std::string OntologyReader::ReadText(const std::string& place, const Json& value) {
  if (value.is_string() && !value.get_ref<const std::string&>().empty()) {
    return value.get<std::string>();
  }
  WrongValue(place, "a non-empty string", value);
  return "";
}

bool OntologyReader::ReadFlag(const std::string& place, const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  WrongValue(place, "true or false", value);
  return false;
}

uint64_t OntologyReader::ReadMaxGroup(const std::string& place, const Json& value) {
  // No group has 2^64 records, so that any larger limit says the same.
  if (value.is_binary() && Digits(value)[0] != '-') return std::numeric_limits<uint64_t>::max();
  if (value.is_number_unsigned() && value.get<uint64_t>() >= 1) return value.get<uint64_t>();
  WrongValue(place, "an integer of at least 1", value);
  return 1;
}

int64_t OntologyReader::ReadDuration(const std::string& place, const Json& value) {
  constexpr auto kMax = std::numeric_limits<int64_t>::max();
  if (value.is_number_unsigned() && value.get<uint64_t>() <= uint64_t{kMax}) {
    return value.get<int64_t>();
  }
  WrongValue(place, "an integer from 0 to " + std::to_string(kMax), value);
  return 0;
}

// The parser has refused numbers beyond the range of a double, so that all are finite.
double OntologyReader::ReadWeight(const std::string& place, const Json& value) {
  if (value.is_binary()) return std::strtod(Digits(value).c_str(), nullptr);
  if (value.is_number()) return value.get<double>() + 0.0;  // -0.0 becomes 0.0
  WrongValue(place, "a finite number", value);
  return 0;
}

std::vector<std::string> OntologyReader::ReadTexts(const std::string& place, const Json& value) {
  std::vector<std::string> texts;
  ReadList(place, value, [&](const Json& text) { texts.push_back(ReadText(place, text)); });
  if (value.is_array() && value.empty()) Fault(place, "the list is empty");
  return texts;
}

template <typename Enum, typename Names>
Enum OntologyReader::ReadEnum(const std::string& place, const Json& value, const Names& names) {
  if (value.is_string()) {
    if (const auto found = FromName<Enum>(names, value.get_ref<const std::string&>())) {
      return *found;
    }
  }
  WrongValue(place, OneOf(names), value);
  return Enum{};
}

std::vector<Strategy> OntologyReader::ReadStrategies(const std::string& place, const Json& value) {
  std::vector<Strategy> strategies;
  ReadList(place, value, [&](const Json& strategy) {
    strategies.push_back(ReadEnum<Strategy>(place, strategy, kStrategyNames));
  });
  return strategies;
}

IdentityKey OntologyReader::ReadKey(const std::string& place, const Json& value) {
  IdentityKey key;
  ReadObject(place, value,
             {Text("name", &key.name),
              {"attributes", true, [&](auto& p, auto& v) { key.attributes = ReadTexts(p, v); }},
              {"max_group", false, [&](auto& p, auto& v) { key.max_group = ReadMaxGroup(p, v); }},
              {"hold", false, [&](auto& p, auto& v) { key.hold = ReadFlag(p, v); }},
              Types(&key.entity_types)});
  std::set<std::string> seen;
  for (const std::string& attribute : key.attributes) {
    if (!attribute.empty() && !seen.insert(attribute).second) {
      Fault(place, "attributes: " + Show(attribute) + " twice");
    }
  }
  return key;
}

StrongIdentifier OntologyReader::ReadStrongIdentifier(const std::string& place, const Json& value) {
  StrongIdentifier identifier;
  if (value.is_string()) {
    identifier.attribute = ReadText(place + ": attribute", value);
    return identifier;
  }
  ReadObject(place, value,
             {Text("attribute", &identifier.attribute),
              {"scope", false,
               [&](auto& p, auto& v) { identifier.scope = ReadEnum<Scope>(p, v, kScopeNames); }},
              Types(&identifier.entity_types)});
  return identifier;
}

Constraint OntologyReader::ReadConstraint(const std::string& place, const Json& value) {
  Constraint constraint;
  ReadObject(place, value,
             {Text("name", &constraint.name),
              Text("attribute", &constraint.attribute),
              {"kind", false,
               [&](auto& p, auto& v) {
                 constraint.kind = ReadEnum<ConstraintKind>(p, v, kConstraintKindNames);
               }},
              Types(&constraint.entity_types)});
  return constraint;
}

AttributeRule OntologyReader::ReadAttribute(const std::string& place, const Json& value) {
  AttributeRule rule;
  ReadObject(
      place, value,
      {{"multi_valued", false, [&](auto& p, auto& v) { rule.multi_valued = ReadFlag(p, v); }},
       {"ignored_values", false, [&](auto& p, auto& v) {
          ReadList(p, v, [&](const Json& ignored) {  // the empty string is allowed here
            if (!ignored.is_string()) return WrongValue(p, "a string", ignored);
            rule.ignored_values.push_back(ignored.get<std::string>());
          });
        }}});
  return rule;
}

RetentionRule OntologyReader::ReadRetention(const std::string& place, const Json& value) {
  RetentionRule rule;
  ReadObject(
      place, value,
      {Text("name", &rule.name, Need::kOptional),
       Types(&rule.entity_types),
       {"perspectives", false, [&](auto& p, auto& v) { rule.perspectives = ReadTexts(p, v); }},
       {"ended_before", true, [&](auto& p, auto& v) { rule.ended_before = ReadDuration(p, v); }}});
  return rule;
}

void OntologyReader::ReadGolden(const Json& value, Ontology* ontology) {
  ReadObject("golden", value,
             {{"default", false,
               [&](auto& p, auto& v) { ontology->golden_default = ReadStrategies(p, v); }},
              {"attributes", false, [&](auto& p, auto& v) {
                 ReadMap(p, v, [&](const std::string& name, const Json& chain) {
                   ontology->golden_attributes[name] = ReadStrategies(p + ": " + name, chain);
                 });
               }}});
}

template <typename Rule>
OntologyReader::Field OntologyReader::Rules(std::string_view section, std::vector<Rule>* rules,
                                            Rule (OntologyReader::*read)(const std::string&,
                                                                         const Json&),
                                            std::string Rule::*name) {
  return {section, false, [=, this](const std::string& place, const Json& value) {
            const std::string list(section);
            std::map<std::string, size_t> seen;
            ReadList(place, value, [&](const Json& rule) {
              const std::string number = "[" + std::to_string(rules->size()) + "]";
              rules->push_back((this->*read)(list + number, rule));
              ++seen[rules->back().*name];
            });
            for (const auto& [used, count] : seen) {
              if (!used.empty() && count > 1) Fault(list, Show(used) + " twice");
            }
          }};
}

absl::StatusOr<Ontology> OntologyReader::Read(const Json& document) {
  Ontology o;
  ReadObject(
      "ontology", document,
      {Rules("identity_keys", &o.identity_keys, &OntologyReader::ReadKey, &IdentityKey::name),
       Rules("strong_identifiers", &o.strong_identifiers, &OntologyReader::ReadStrongIdentifier,
             &StrongIdentifier::attribute),
       Rules("constraints", &o.constraints, &OntologyReader::ReadConstraint, &Constraint::name),
       {"attributes", false,
        [&](auto& place, auto& value) {
          ReadMap(place, value, [&](const std::string& name, const Json& rule) {
            o.attributes[name] = ReadAttribute("attributes." + name, rule);
          });
        }},
       {"perspective_weights", false,
        [&](auto& place, auto& value) {
          ReadMap(place, value, [&](const std::string& name, const Json& weight) {
            o.perspective_weights[name] = ReadWeight(place + ": " + name, weight);
          });
        }},
       {"golden", false, [&](auto& /*place*/, auto& value) { ReadGolden(value, &o); }},
       Rules("retention", &o.retention, &OntologyReader::ReadRetention, &RetentionRule::name)});
  if (!faults_.empty()) return absl::InvalidArgumentError(faults_);
  return o;
}

}  // namespace

absl::StatusOr<Ontology> ParseOntology(std::string_view json) {
  if (json.size() > limits::kOntologyBytesMax) {
    return absl::InvalidArgumentError("the ontology has " + std::to_string(json.size()) +
                                      " bytes, at most " +
                                      std::to_string(limits::kOntologyBytesMax) + " are allowed");
  }
  // The parser would skip the one and take the other for the end of the text.
  if (json.substr(0, 3) == "\xEF\xBB\xBF" || json.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError("not JSON: a byte order mark or a NUL byte");
  }
  Json document;
  DocumentBuilder builder(&document);
  if (!Json::sax_parse(json.begin(), json.end(), &builder)) {
    return absl::InvalidArgumentError("not JSON: " + builder.error());
  }
  return OntologyReader().Read(document);
}

}  // namespace unirust::ontology
