#include "cli/ontology_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/limits.h"
#include "base/status_macros.h"
#include "ontology/ontology.h"

namespace unirust::cli {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};

// The whole file, or one byte more than an ontology may have.
absl::StatusOr<std::string> ReadText(const std::string& path) {
  const std::unique_ptr<std::FILE, CloseFile> file(path == "-" ? stdin
                                                               : std::fopen(path.c_str(), "rb"));
  std::string text(limits::kOntologyBytesMax + 1, '\0');
  if (file != nullptr) text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (file == nullptr || std::ferror(file.get()) != 0) {
    return absl::NotFoundError("cannot read " + path + ": " + std::strerror(errno));
  }
  return text;
}

}  // namespace

absl::StatusOr<std::string> ReadOntology(const std::string& path) {
  UNIRUST_ASSIGN_OR_RETURN(std::string json, ReadText(path));
  const absl::Status status = ontology::ParseOntology(json).status();
  if (!status.ok()) return absl::Status(status.code(), path + ": " + std::string(status.message()));
  return json;
}

absl::StatusOr<AppliedOntology> ApplyOntology(Client& client, const std::string& json) {
  proto::ConfigVersionResponse before;
  UNIRUST_RETURN_IF_ERROR(
      client.Call(&Router::GetConfigVersion, proto::ConfigVersionRequest(), &before));
  proto::ApplyOntologyRequest request;
  request.set_json(json);
  proto::ApplyOntologyResponse response;
  UNIRUST_RETURN_IF_ERROR(client.Call(&Router::SetOntology, request, &response));
  return AppliedOntology{response.version(), response.version() != before.version()};
}

absl::Status CheckOntology(Client& client, const std::string& json) {
  proto::ApplyOntologyRequest request;
  request.set_json(json);
  request.set_check_only(true);
  proto::ApplyOntologyResponse response;
  return client.Call(&Router::SetOntology, request, &response);
}

}  // namespace unirust::cli
