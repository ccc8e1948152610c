// A backend as an NBD export on a Unix socket: flush, FUA, trim, write zeroes, several connections at once,
// block size constraints and structured replies.
//
// There is one export; whatever name a client asks for is it.  A size that changes is what new connections
// are told, and what requests of all are checked against.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "block/backend.h"
#include "net/stream.h"

namespace weft::nbd {

struct Home;
struct Shared;

class Server final : private net::AcceptHandler {
 public:
  // `fd` listens, and is closed in the end.  Off the loops, as all else.
  static Result<std::unique_ptr<Server>> start(net::Networks& networks,
                                               std::shared_ptr<block::Backend> backend, int fd);
  // Nobody connects any more, and the connections end as what they have at the backend ends.
  void end();
  ~Server();  // ends, and waits for that

  std::uint32_t connections() const;  // any thread

 private:
  Server(net::Networks& networks, std::shared_ptr<block::Backend> backend);
  void on_accepted(std::unique_ptr<net::Accepted> accepted) override;

  const std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Home>> homes_;  // by the loop's index
  Loop& accepting_;                           // acquired
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace weft::nbd
