// `unirust serve`: a router and its shard in one process.
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/local_store.h"
#include "rpc/daemon.h"
#include "rpc/metrics_endpoint.h"

namespace unirust::cli {

absl::Status Run(const ServeFlags& flags) {
  rpc::BecomeDaemon();
  const config::ObserveSettings& observe = flags.settings.observe;
  config::ConfigureLog(observe);
  const config::ServeSettings& settings = flags.settings;
  const Listener listener{
      .address = settings.listen, .tls = settings.tls, .access = settings.access};
  UNIRUST_ASSIGN_OR_RETURN(const auto store, LocalStore::Open(settings.store, listener));
  const auto metrics = rpc::MetricsEndpoint::Start(
      observe.metrics_listen, {[&](auto& families) { store->AddMetrics(families); }});
  if (!metrics.ok()) {
    return WithExitCode(metrics.status(), rpc::ExitCodeOf(metrics.status()));
  }
  rpc::ServeUntilTerminated("unirust serve", store->server());
  return absl::OkStatus();
}

}  // namespace unirust::cli
