#include "workload/source.h"

#include "workload/events.h"
#include "workload/generator.h"
#include "workload/variants.h"

namespace unirust::workload {
namespace {

template <typename T>
std::unique_ptr<Source> New(const Options& options) {
  return std::make_unique<T>(options);
}

using Maker = std::unique_ptr<Source> (*)(const Options& options);

constexpr std::string_view kNames[] = {"people", "hot-keys", "rewrites", "contested", "events"};
constexpr Maker kMakers[] = {New<Generator>, New<HotKeys>, New<Rewrites>, New<Contested>,
                             New<Events>};
static_assert(std::size(kNames) == std::size(kMakers));

}  // namespace

std::unique_ptr<Source> MakeSource(std::string_view name, const Options& options) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return kMakers[i](options);
  }
  return nullptr;
}

std::span<const std::string_view> SourceNames() { return kNames; }

}  // namespace unirust::workload
