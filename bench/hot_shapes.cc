// `unirust_shapes`: what one record more, and one less, costs in shapes that grow very large: an entity of n records
// by one key value, the same with roles that begin and end at times of their own, n records contested by one shared
// name, and one record written n times.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "base/exit_codes.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "config/settings.h"
#include "ontology/ontology.h"
#include "shard/engine.h"

namespace unirust::bench {
namespace {

struct ShapeSettings {
  std::vector<std::string> shapes = {"entity", "dated", "contested", "versions"};
  std::vector<std::string> sizes = {"100", "1000", "10000", "100000"};
  uint32_t repeats = 201;
};

constexpr char kOntology[] = R"({
  "identity_keys": [{"name": "by_name", "attributes": ["name"]}],
  "strong_identifiers": [{"attribute": "tax", "scope": "global"}]
})";

Write Record(uint64_t number, std::vector<Descriptor> descriptors) {
  Write write;
  write.identity = {"person", "crm", std::to_string(number)};
  write.descriptors = std::move(descriptors);
  return write;
}

Descriptor Always(std::string attribute, std::string value) {
  return {std::move(attribute), std::move(value), {kMinTime, kMaxTime}};
}

// The record that a shape of n records has as its `number`th.
Write RecordOf(const std::string& shape, uint64_t number) {
  const std::string own = std::to_string(number);
  if (shape == "entity") {
    return Record(number, {Always("name", "Ada"), Always("serial", own),
                           Always("city", "city " + std::to_string(number % 3))});
  }
  if (shape == "dated") {
    const auto start = static_cast<Instant>(number * 7919 % 1000000);
    const std::string role = "role " + std::to_string(number % 3);
    return Record(number, {Always("name", "Ada"), {"role", role, {start, start + 500000}}});
  }
  if (shape == "contested") {
    return Record(number, {Always("name", "John Smith"), Always("tax", own)});
  }
  return Record(0, {Always("name", "Ada"), Always("serial", own),
                    Always("city", "city " + std::to_string(number % 3))});
}

Write Retraction(const Write& write) {
  Write out;
  out.identity = write.identity;
  out.retract = true;
  return out;
}

double Milliseconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

absl::StatusOr<double> Time(shard::Engine& engine, Write write) {
  std::vector<Write> writes;
  writes.push_back(std::move(write));
  const auto begin = std::chrono::steady_clock::now();
  UNIRUST_RETURN_IF_ERROR(engine.Ingest(std::move(writes)).status());
  return Milliseconds(std::chrono::steady_clock::now() - begin);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

absl::Status Measure(const std::string& shape, uint64_t size, uint32_t repeats) {
  UNIRUST_ASSIGN_OR_RETURN(const auto directory, TemporaryDirectory::Create());
  shard::EngineOptions options;
  options.data_dir = directory->path();
  UNIRUST_ASSIGN_OR_RETURN(const auto engine, shard::Engine::Open(options));
  UNIRUST_ASSIGN_OR_RETURN(const ontology::Ontology ontology, ontology::ParseOntology(kOntology));
  UNIRUST_RETURN_IF_ERROR(engine->SetOntology(ontology));
  const auto begin = std::chrono::steady_clock::now();
  for (uint64_t first = 0; first < size;) {
    std::vector<Write> writes;
    for (; first < size && writes.size() < 5000; ++first) writes.push_back(RecordOf(shape, first));
    UNIRUST_RETURN_IF_ERROR(engine->Ingest(std::move(writes)).status());
  }
  const double load = Milliseconds(std::chrono::steady_clock::now() - begin);
  std::vector<double> more;
  std::vector<double> less;
  for (uint32_t i = 0; i < repeats; ++i) {
    const Write write = RecordOf(shape, size + i);
    UNIRUST_ASSIGN_OR_RETURN(const double plus, Time(*engine, write));
    UNIRUST_ASSIGN_OR_RETURN(const double minus, Time(*engine, Retraction(write)));
    more.push_back(plus);
    less.push_back(minus);
  }
  std::printf("%-10s %8llu records: loaded in %9.1f ms; +1 %9.3f ms, -1 %9.3f ms (medians)\n",
              shape.c_str(), static_cast<unsigned long long>(size), load, Median(more),
              Median(less));
  std::fflush(stdout);
  return absl::OkStatus();
}

config::Settings Declare(ShapeSettings& shapes) {
  config::Settings settings;
  settings.Add("shapes", &shapes.shapes, "of entity, dated, contested, versions");
  settings.Add("sizes", &shapes.sizes, "records in the shape");
  settings.Add("repeats", &shapes.repeats, "times one record is added and taken away");
  return settings;
}

int Main(int argc, const char* const* argv) {
  ShapeSettings shapes;
  config::Settings settings = Declare(shapes);
  const config::ProgramText text{
      "unirust_shapes", "Measures one record more and one less in shapes that grow very large.",
      "  unirust_shapes\n"
      "  unirust_shapes --shapes entity --sizes 100,100000\n"};
  if (const auto exit_code = ParseCommandLine(text, settings, argc, argv)) return *exit_code;
  for (const std::string& shape : shapes.shapes) {
    for (const std::string& size : shapes.sizes) {
      uint64_t records = 0;
      if (!absl::SimpleAtoi(size, &records) || records == 0) {
        std::fprintf(stderr, "unirust_shapes: '%s' is not a number of records\n", size.c_str());
        return kExitUsage;
      }
      const absl::Status status = Measure(shape, records, shapes.repeats);
      if (status.ok()) continue;
      std::fprintf(stderr, "unirust_shapes: %s\n", status.ToString().c_str());
      return kExitFailure;
    }
  }
  return kExitOk;
}

}  // namespace
}  // namespace unirust::bench

int main(int argc, char** argv) { return unirust::bench::Main(argc, argv); }
