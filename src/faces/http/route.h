// What the HTTP face answers: rows of a table.  Dispatch, the checks of what a caller sends, and the OpenAPI
// page read the same rows.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weft::faces {

enum class In : std::uint8_t { path, query, body };
enum class Type : std::uint8_t { string, integer, boolean, list };

struct Parameter {
  std::string name;
  In in = In::query;
  Type type = Type::string;
  std::string help;
  bool required = false;
  std::vector<std::string> choices = {};  // of a string; empty: any
  std::vector<Parameter> fields = {};     // of each object in a list
};

// What was asked, and found to be what the row's parameters say.
struct Call {
  std::string in_path;  // what stands for the braces of the pattern, decoded
  std::map<std::string, std::string, std::less<>> query;
  nlohmann::json body = nlohmann::json::object();
};

struct Reply {
  int status = 0;                         // 0: that of the row for a success
  nlohmann::ordered_json body = nullptr;  // null: none
};

// Called once, from any thread, perhaps before the handler has returned.
using Respond = std::move_only_function<void(Reply)>;

struct Route {
  std::string method;   // GET, POST, PUT, DELETE
  std::string pattern;  // "/v1/status", or "/v1/tree/{path}": the last part, with slashes in it, may be empty
  std::string summary;
  std::vector<Parameter> parameters;
  int success = 200;  // the status of an answer that has none of its own
  // Any thread but a loop's, many at once; returns at once.  What takes its time answers later.
  std::function<void(const Call&, Respond)> handle;

  bool changes() const { return method != "GET"; }
};
using Routes = std::vector<Route>;

// Of a decoded path: the row and what stands for its braces.  ENOENT; EOPNOTSUPP: the path has other methods.
struct Matched {
  const Route* route;
  std::string in_path;
};
Result<Matched> match_route(const Routes& routes, std::string_view method, std::string_view path);

// EINVAL: what was sent is not what the row says; names the parameter, the value and the rule.
Result<Call> check_call(const Matched& matched, std::map<std::string, std::string, std::less<>> query,
                        std::string_view body);

// {"error": {"errno": "EBUSY", "message": ..., "path": ...}} with the HTTP status that fits the errno.
Reply error_reply(const Error& error, std::string_view path);
// Every errno with a status of its own; all others are 500.
int http_status(int code);

// OpenAPI 3 of the rows.
nlohmann::ordered_json openapi(const Routes& routes, std::string_view version);

}  // namespace weft::faces
