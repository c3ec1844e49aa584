// `unirust serve`: a router and its shard in one process.
#include "base/log.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/local_store.h"
#include "rpc/daemon.h"

namespace unirust::cli {

absl::Status Run(const ServeFlags& flags) {
  rpc::BlockTerminationSignals();
  SetLogLevel(flags.settings.log_level);
  UNIRUST_ASSIGN_OR_RETURN(const auto store,
                           LocalStore::Open(flags.settings.store, flags.settings.listen));
  rpc::ServeUntilTerminated("unirust serve", store->server());
  return absl::OkStatus();
}

}  // namespace unirust::cli
