// `unirust ontology show|apply|check`.
#include <cstdio>

#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/ontology_file.h"
#include "cli/output.h"

namespace unirust::cli {
namespace {

absl::Status Print(const std::string& text) {
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  out->Write(text);
  if (!text.ends_with('\n')) out->Write("\n");
  return out->Close();
}

}  // namespace

absl::Status Run(const OntologyShowFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  proto::GetOntologyResponse response;
  UNIRUST_RETURN_IF_ERROR(
      client->Call(&Router::GetOntology, proto::GetOntologyRequest(), &response));
  std::fprintf(stderr, "version %s\n", Printable(response.version()).c_str());  // not in the file
  return Print(response.json());
}

absl::Status Run(const OntologyApplyFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const std::string json, ReadOntology(flags.file));
  UNIRUST_ASSIGN_OR_RETURN(const auto client,
                           Client::Open(flags.store, Client::IfAbsent::kCreate));
  UNIRUST_ASSIGN_OR_RETURN(const AppliedOntology applied, ApplyOntology(*client, json));
  return Print((applied.changed ? "applied, version " : "in force already, version ") +
               Printable(applied.version));
}

absl::Status Run(const OntologyCheckFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const std::string json, ReadOntology(flags.file));
  if (!flags.store) return Print("no faults");
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(*flags.store));
  UNIRUST_RETURN_IF_ERROR(CheckOntology(*client, json));
  return Print("no faults, and every stored record fits it");
}

}  // namespace unirust::cli
