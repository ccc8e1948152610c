// A whole target in this process: reactors, transport, plugins and the configuration on top of them.  Both
// programs run it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "block/backend.h"
#include "config/document.h"
#include "config/state_store.h"
#include "daemon/health.h"
#include "daemon/log.h"
#include "daemon/reactor_options.h"
#include "faces/http/socket_file.h"

namespace weft::daemon {

struct ServerOptions {
  ReactorOptions reactors;
  std::string state_dir;  // empty: StateStore::default_directory()
  HealthOptions health;
  std::string store;  // the file of config::SqliteStore; empty: none, and the configuration ends with it
  // Tests: the filters above each backend that is opened; runs where backends are opened, so on any thread.
  // Empty: none.
  std::function<std::shared_ptr<block::Backend>(std::shared_ptr<block::Backend>)> filter{};
};

// On one thread, which is no loop's.
class Server {
 public:
  // With nothing configured.  The journal outlives the server.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Journal& journal);
  ~Server();  // after stop() was true, or before apply
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Makes true what the store held, and notes changes in it from then on.  Once, before all else.
  Result<> load();
  // The number of problems; each is in the journal.
  std::size_t apply(const config::Document& document);
  std::vector<std::string> listening() const;
  std::vector<std::shared_ptr<block::Backend>> backends() const;  // those that are open
  config::StateStore& state();

  // Shows the configuration as a directory until stop(); see faces/fuse/fuse_mount.h.  Once.  Returns its
  // canonical name.
  Result<std::string> mount_tree(const std::string& directory);

  // Likewise, with the layout of Linux nvmet alone.
  Result<std::string> mount_kernel_tree(const std::string& directory);

  // Takes commands by a socket until stop(); see faces/http/http_face.h.  Once.
  Result<> serve_socket(const faces::SocketOptions& options);

  // Closes the listeners, lets commands in flight finish, flushes the backends, and takes everything down:
  // within seconds.  False: something hangs and holds its memory; the process can only end by abandon().
  bool stop();
  [[noreturn]] static void abandon();

 private:
  struct Machinery;
  Server();
  std::unique_ptr<Machinery> machinery_;
};

}  // namespace weft::daemon
