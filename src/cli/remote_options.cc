#include "cli/remote_options.h"

namespace weft::cli {

void add_identity_options(CLI::App& app, RemoteOptions& options) {
  app.add_option("--hostnqn", options.hostnqn,
                 "name of this host; default /etc/nvme/hostnqn, else one made from the machine")
      ->type_name("NQN");
  app.add_option("--hostid", options.hostid, "default /etc/nvme/hostid, else from the host's name")
      ->type_name("UUID");
  app.add_flag("--hdr-digest", options.header_digest, "protect headers by a checksum");
  app.add_flag("--data-digest", options.data_digest, "protect data by a checksum");
}

void add_remote_options(CLI::App& app, RemoteOptions& options) {
  add_identity_options(app, options);
  app.add_option("--keep-alive", options.keep_alive_s, "seconds; 0: none; default 5")
      ->check(CLI::Range(0, 3600))
      ->type_name("N");
  app.add_option("--loss-time", options.loss_s,
                 "seconds for which a target that was lost is tried again; default 60")
      ->check(CLI::Range(0, 86400))
      ->type_name("N");
}

}  // namespace weft::cli
