// Who makes and removes tenants: a RAM disk, a subsystem, a namespace, a host and an enabled port on the
// listener that all share.  Through the mounted tree or through the socket; each thread has one of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "provision/daemon.h"

namespace weft::bench {

std::string tenant_nqn(std::size_t number);

class Client {
 public:
  virtual ~Client() = default;
  // End the program when they are refused.
  virtual void create(std::size_t number) = 0;
  virtual void remove(std::size_t number) = 0;
  // Changes of a creation that were durable one after the other.
  virtual std::size_t durable_steps() const = 0;
};

// Both need make_adapter() once.
void make_adapter(const Daemon& daemon);
std::unique_ptr<Client> make_tree_client(const Daemon& daemon, std::uint16_t port);
std::unique_ptr<Client> make_socket_client(const Daemon& daemon, std::uint16_t port);

// One request to the socket; waits for an operation's end when `wait`.
nlohmann::json ask(const Daemon& daemon, const std::string& method, const std::string& path,
                   const nlohmann::json& body, bool wait = true);

}  // namespace weft::bench
