#include "daemon/faces.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "daemon/runtime_directory.h"

namespace weft::daemon {

namespace {

constexpr std::string_view kNone = "none";

// Something of a default name in the runtime directory, or the one that was given.
Result<std::string> place(const std::string& given, std::string_view name) {
  if (!given.empty()) return std::filesystem::absolute(given).lexically_normal().string();
  auto directory = make_runtime_directory();
  if (!directory) return directory;
  return *directory + "/" + std::string(name);
}

Result<> open_socket(Server& server, const FaceOptions& options) {
  const auto path = place(options.socket, kSocketName);
  if (!path) return std::unexpected(path.error());
  const auto served = server.serve_socket(
      {.path = *path, .group = options.socket_group, .is_own_directory = options.socket.empty()});
  if (!served) return served;
  spdlog::info("commands come by {}", *path);
  return {};
}

Result<> mount_tree(Server& server, const FaceOptions& options, LogJournal& journal) {
  const auto path = place(options.tree, "tree");
  if (!path) return std::unexpected(path.error());
  const auto mounted = server.mount_tree(*path);
  if (!mounted) return std::unexpected(mounted.error());
  journal.mounted(*mounted);
  return {};
}

Result<> mount_kernel_tree(Server& server, const std::string& directory, LogJournal& journal) {
  const auto mounted =
      server.mount_kernel_tree(std::filesystem::absolute(directory).lexically_normal().string());
  if (!mounted) return std::unexpected(mounted.error());
  journal.mounted(*mounted, "the configuration in the layout of Linux nvmet");
  return {};
}

}  // namespace

void add_face_options(CLI::App& app, FaceOptions& options) {
  app.add_option("--tree", options.tree,
                 "show the configuration as a directory, and change it there, until the end; none: do not.  "
                 "Default: without --config, tree in the runtime directory")
      ->type_name("DIR");
  app.add_option("--kernel-tree", options.kernel_tree,
                 "show it in the layout of Linux nvmet as well, as nvmetcli wants it at "
                 "/sys/kernel/config/nvmet")
      ->type_name("DIR");
  app.add_option(
         "--socket", options.socket,
         "where commands come in; none: nowhere.  Default: weftd.sock in $RUNTIME_DIRECTORY, /run/weft "
         "or $XDG_RUNTIME_DIR/weft")
      ->type_name("PATH");
  app.add_option("--socket-group", options.socket_group, "who may use the socket, too")->type_name("GROUP");
}

Result<> show_faces(Server& server, const FaceOptions& options, bool has_configuration, LogJournal& journal) {
  const bool wants_tree = options.tree.empty() ? !has_configuration : options.tree != kNone;
  const bool wants_socket = options.socket != kNone;
  Result<> socket;
  Result<> tree;
  if (wants_socket) {
    socket = open_socket(server, options);
    if (!socket && !(options.socket.empty() && options.socket_group.empty())) return socket;
    if (!socket) spdlog::warn("{}; no command reaches this weftd", socket.error().message);
  }
  if (wants_tree) {
    tree = mount_tree(server, options, journal);
    if (!tree && !options.tree.empty()) return tree;
    if (!tree) spdlog::warn("{}; there is no tree", tree.error().message);
  }
  if (!options.kernel_tree.empty()) return mount_kernel_tree(server, options.kernel_tree, journal);
  if (has_configuration || (wants_socket && socket) || (wants_tree && tree)) return {};
  return fail(EINVAL, "there is no --config, and neither a tree nor a socket to make one");
}

}  // namespace weft::daemon
