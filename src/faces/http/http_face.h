// The configuration tree, and what else a daemon answers, as HTTP with JSON over a Unix socket.  Each
// connection serves one request.
//
// Nobody who is slow or waits holds up others: connections that take their time lose their place to those
// behind them, and a change that has no answer in 100 ms becomes an operation that the caller asks for.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "config/tree.h"
#include "faces/http/route.h"
#include "faces/http/socket_file.h"

namespace weft::faces {

struct HttpOptions {
  SocketOptions socket;
  std::string version;  // of the program, for the OpenAPI page
  Routes more;          // what the tree does not know
};

class HttpFace {
 public:
  // The tree outlives the face, not the answers that it still owes.  Starts threads.  Not on a loop.
  static Result<std::unique_ptr<HttpFace>> start(config::Tree& tree, HttpOptions options);

  // Ends all connections, without an answer for those that wait, and the batches between two of their steps.
  // Waits for nothing that may hang.
  ~HttpFace();
  HttpFace(const HttpFace&) = delete;
  HttpFace& operator=(const HttpFace&) = delete;

  const std::string& path() const;  // of the socket

 private:
  struct State;
  explicit HttpFace(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace weft::faces
