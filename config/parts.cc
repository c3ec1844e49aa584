#include "config/parts.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/files.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace unirust::config {
namespace {

constexpr uint64_t kLookEveryMicros = 1'000'000;

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseParts(std::string_view text,
                                                    const std::string& source) {
  std::vector<std::string> out;
  size_t number = 0;
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    ++number;
    const std::vector<absl::string_view> content = absl::StrSplit(line, absl::MaxSplits('#', 1));
    std::string address(absl::StripAsciiWhitespace(content.front()));
    if (address.empty()) continue;
    const auto fault = [&](const std::string& what) {
      return absl::InvalidArgumentError(source + ":" + std::to_string(number) + ": " + what);
    };
    if (std::find(out.begin(), out.end(), address) != out.end()) {
      return fault("'" + address + "' is there twice");
    }
    out.push_back(std::move(address));
    if (out.size() >= limits::kPartsMax) {
      return fault("a store has at most " + std::to_string(limits::kPartsMax) +
                   " parts, this shard's own included");
    }
  }
  return out;
}

absl::StatusOr<std::unique_ptr<PartsFile>> OpenPartsFile(const ShardSettings& shard) {
  if (shard.parts_file.empty()) return nullptr;
  const auto read = [](const std::string& path) -> absl::StatusOr<std::vector<std::string>> {
    UNIRUST_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path));
    return ParseParts(text, path);
  };
  return PartsFile::Open(shard.parts_file, "file of parts", read, kLookEveryMicros);
}

}  // namespace unirust::config
