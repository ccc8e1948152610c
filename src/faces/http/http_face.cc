#include "faces/http/http_face.h"

#include <fmt/format.h>
#include <httplib.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "base/text.h"
#include "faces/http/batches.h"
#include "faces/http/callers.h"
#include "faces/http/connection.h"
#include "faces/http/operations.h"
#include "faces/http/tree_routes.h"

namespace weft::faces {

namespace {

constexpr std::chrono::milliseconds kFacePatience{100};
constexpr std::size_t kMostBodyBytes = 4 << 20;
constexpr std::size_t kMostHeaderBytes = 64 << 10;

void put(httplib::Response& response, const Reply& reply) {
  response.status = reply.status;
  if (reply.body.is_null()) return;
  response.set_content(reply.body.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
                       "application/json");
  if (reply.status == 202) response.set_header("Location", reply.body.value("href", ""));
}

// The library as a parser of requests and a writer of answers; sockets and threads are Callers'.  It gets one
// path for all, because its own table has regular expressions for rows, which recurse on each character.
class Protocol : public httplib::Server {
 public:
  using Serve = std::function<void(const httplib::Request&, const std::string& path, httplib::Response&)>;

  explicit Protocol(Serve serve) {
    const auto handler = [serve = std::move(serve)](const httplib::Request& request,
                                                    httplib::Response& response) {
      serve(request, request.get_header_value(kPathHeader), response);
    };
    Get(kPath, handler);
    Put(kPath, handler);
    Post(kPath, handler);
    Delete(kPath, handler);
    set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
      const auto refusal = refuse(request);
      if (!refusal) return HandlerResponse::Unhandled;
      put(response, *refusal);
      return HandlerResponse::Handled;
    });
    set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty()) put(response, refusal_of(response.status));
    });
  }

  void serve(int fd) {
    Connection connection(fd, {.request_bytes = kMostBodyBytes + kMostHeaderBytes});
    bool closed = false;
    process_request(connection, true, closed, [](httplib::Request& request) {
      request.headers.erase(kPathHeader);
      request.headers.emplace(kPathHeader, std::exchange(request.path, kPath));
      request.headers.erase("Accept-Encoding");
      request.headers.erase("Content-Type");  // JSON whatever it says: curl says that it is a form
      request.ranges.clear();
    });
  }

 private:
  static constexpr const char* kPath = "/";
  static constexpr const char* kPathHeader = "Weft-Path";  // where the path waits; a caller's own is dropped

  static std::optional<Reply> refuse(const httplib::Request& request) {
    for (const char* const name : {"Transfer-Encoding", "Content-Encoding"})
      if (request.has_header(name))
        return Reply{
            .status = 415,
            .body = error_reply(
                        {EOPNOTSUPP, fmt::format("{}: send the body as it is, with its length", name)}, "")
                        .body};
    const std::string length = request.get_header_value("Content-Length");
    if (length.empty() || parse_number(length, 0, kMostBodyBytes)) return std::nullopt;
    return error_reply(
        {E2BIG, fmt::format("Content-Length {}: a body has {} bytes at most", length, kMostBodyBytes)}, "");
  }
  // What the library itself found wrong.
  static Reply refusal_of(int status) {
    Reply reply = error_reply(
        {EINVAL, fmt::format("this is no request that can be answered: HTTP status {}", status)}, "");
    reply.status = status;
    return reply;
  }
};

}  // namespace

struct HttpFace::State {
  State(config::Tree& tree, HttpOptions options)
      : batches(tree), routes(tree_routes(tree)), version(std::move(options.version)) {
    routes.push_back(batches.route());
    add_own_routes();
    for (Route& each : options.more) routes.push_back(std::move(each));
  }
  ~State() {
    callers.stop();
    batches.end();
  }

  void add_own_routes();
  void serve(const httplib::Request& request, const std::string& path, httplib::Response& response);
  Reply answer(const httplib::Request& request, const std::string& path);

  Operations operations;
  Batches batches;
  Routes routes;
  const std::string version;
  Protocol protocol{
      [this](const auto& request, const auto& path, auto& response) { serve(request, path, response); }};
  std::unique_ptr<SocketFile> socket;
  Callers callers{[this](int fd) { protocol.serve(fd); }};
};

void HttpFace::State::add_own_routes() {
  routes.push_back({.method = "GET",
                    .pattern = "/v1/operations",
                    .summary = "Requests that took their time: what goes on, and what ended lately",
                    .handle = [this](const Call&, Respond respond) { respond(operations.list()); }});
  routes.push_back(
      {.method = "GET",
       .pattern = "/v1/operations/{id}",
       .summary = "Whether a request has ended, and its answer",
       .parameters = {{.name = "id", .in = In::path, .help = "from the answer 202", .required = true}},
       .handle = [this](const Call& call, Respond respond) { respond(operations.find(call.in_path)); }});
  routes.push_back(
      {.method = "GET",
       .pattern = "/v1/openapi.json",
       .summary = "This page",
       .handle = [this](const Call&, Respond respond) { respond({.body = openapi(routes, version)}); }});
}

Reply HttpFace::State::answer(const httplib::Request& request, const std::string& path) {
  const auto matched = match_route(routes, request.method, path);
  if (!matched) return error_reply(matched.error(), path);
  const auto call = check_call(*matched, {request.params.begin(), request.params.end()}, request.body);
  if (!call) return error_reply(call.error(), matched->in_path);
  const auto operation =
      operations.begin(fmt::format("{} {}", request.method, path), matched->route->changes());
  if (!operation) return error_reply(operation.error(), matched->in_path);
  matched->route->handle(*call, [operation = *operation, success = matched->route->success](Reply reply) {
    if (reply.status == 0) reply.status = success;
    operation->finish(std::move(reply));
  });
  return operations.await(*operation, kFacePatience);
}

void HttpFace::State::serve(const httplib::Request& request, const std::string& path,
                            httplib::Response& response) {
  put(response, answer(request, path));
}

HttpFace::HttpFace(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpFace::~HttpFace() = default;

Result<std::unique_ptr<HttpFace>> HttpFace::start(config::Tree& tree, HttpOptions options) {
  auto socket = SocketFile::listen(options.socket);
  if (!socket) return std::unexpected(std::move(socket.error()));
  auto state = std::make_unique<State>(tree, std::move(options));
  state->socket = std::move(*socket);
  if (auto started = state->callers.start(state->socket->fd()); !started)
    return std::unexpected(std::move(started.error()));
  return std::unique_ptr<HttpFace>(new HttpFace(std::move(state)));
}

const std::string& HttpFace::path() const {
  return state_->socket->path();
}

}  // namespace weft::faces
