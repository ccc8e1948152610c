#include "faces/http/route.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <string.h>  // NOLINT(modernize-deprecated-headers): strerrorname_np

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "base/text.h"

namespace weft::faces {

namespace {

using nlohmann::json;

struct StatusRow {
  int code;
  int status;
};
constexpr StatusRow kStatuses[] = {
    {EINVAL, 400},     {EISDIR, 400},        {ENOTDIR, 400},  {ENAMETOOLONG, 400}, {EDOM, 400},
    {EACCES, 403},     {EPERM, 403},         {EROFS, 403},    {ENOENT, 404},       {EEXIST, 409},
    {EBUSY, 409},      {ENOTEMPTY, 409},     {EALREADY, 409}, {ENODEV, 409},       {ECANCELED, 409},
    {EADDRINUSE, 409}, {EADDRNOTAVAIL, 409}, {E2BIG, 413},    {EFBIG, 413},        {EOPNOTSUPP, 501},
    {EAGAIN, 503},     {ENOMEM, 503},        {EMFILE, 503},   {ENFILE, 503},       {ETIMEDOUT, 504},
    {ENOSPC, 507},     {EDQUOT, 507},
};

// "/v1/tree/{path}" without its braces; the whole pattern when there are none.
std::string_view fixed_part(const Route& route) {
  return std::string_view(route.pattern).substr(0, route.pattern.find('{'));
}

bool has_braces(const Route& route) {
  return route.pattern.ends_with('}');
}

// What stands for the braces; false: another path.
bool fits(const Route& route, std::string_view path, std::string& in_path) {
  if (!has_braces(route)) return path == route.pattern;
  std::string_view fixed = fixed_part(route);
  if (path.starts_with(fixed)) {
    in_path = path.substr(fixed.size());
    return true;
  }
  fixed.remove_suffix(1);
  return path == fixed;
}

std::string_view type_name(Type type) {
  constexpr std::string_view kNames[] = {"string", "integer", "boolean", "array"};
  return kNames[static_cast<std::size_t>(type)];
}

std::unexpected<Error> refuse(const Parameter& parameter, std::string_view where, std::string_view value) {
  const std::string rule =
      parameter.choices.empty()
          ? fmt::format("{} {}", parameter.type == Type::integer || parameter.type == Type::list ? "an" : "a",
                        type_name(parameter.type))
          : fmt::format("{}", fmt::join(parameter.choices, ", "));
  return fail(EINVAL, fmt::format("{}{}: {} must be {}", where, parameter.name, value, rule));
}

bool is_choice(const Parameter& parameter, const std::string& value) {
  return parameter.choices.empty() || std::ranges::find(parameter.choices, value) != parameter.choices.end();
}

Result<> check_query(const Parameter& parameter, const std::string& value) {
  const bool fits = parameter.type == Type::integer   ? parse_number(value, 0, 0xFFFFFFFF).has_value()
                    : parameter.type == Type::boolean ? parse_bool(value).has_value()
                                                      : is_choice(parameter, value);
  return fits ? Result<>() : refuse(parameter, "", fmt::format("\"{}\"", value));
}

Result<> check_object(const std::vector<Parameter>& parameters, const json& object, const std::string& where);

Result<> check_list(const Parameter& parameter, const json& list, const std::string& where) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string here = fmt::format("{}{}[{}]", where, parameter.name, i);
    if (!list[i].is_object()) return fail(EINVAL, here + " must be an object");
    if (auto checked = check_object(parameter.fields, list[i], here + "."); !checked) return checked;
  }
  return {};
}

Result<> check_value(const Parameter& parameter, const json& value, const std::string& where) {
  const bool fits = parameter.type == Type::string    ? value.is_string()
                    : parameter.type == Type::integer ? value.is_number_integer()
                    : parameter.type == Type::boolean ? value.is_boolean()
                                                      : value.is_array();
  if (!fits || (value.is_string() && !is_choice(parameter, value.get<std::string>())))
    return refuse(parameter, where, value.dump(-1, ' ', false, json::error_handler_t::replace));
  return parameter.type == Type::list ? check_list(parameter, value, where) : Result<>();
}

Result<> check_object(const std::vector<Parameter>& parameters, const json& object,
                      const std::string& where) {
  for (const auto& [name, value] : object.items()) {
    const auto row = std::ranges::find_if(
        parameters, [&](const Parameter& each) { return each.in == In::body && each.name == name; });
    if (row == parameters.end()) return fail(EINVAL, fmt::format("{}{}: it is not known here", where, name));
    if (auto checked = check_value(*row, value, where); !checked) return checked;
  }
  for (const Parameter& each : parameters)
    if (each.in == In::body && each.required && !object.contains(each.name))
      return fail(EINVAL, fmt::format("{}{} is missing in the request's body", where, each.name));
  return {};
}

}  // namespace

Result<Matched> match_route(const Routes& routes, std::string_view method, std::string_view path) {
  const Route* other_method = nullptr;
  const Route* braces = nullptr;
  std::string in_path;
  for (const Route& route : routes) {
    std::string rest;
    if (!fits(route, path, rest)) continue;
    if (route.method != method) {
      other_method = &route;
    } else if (!has_braces(route)) {
      return Matched{&route, ""};
    } else if (braces == nullptr) {
      braces = &route;
      in_path = std::move(rest);
    }
  }
  if (braces != nullptr) return Matched{braces, std::move(in_path)};
  if (other_method != nullptr)
    return fail(EOPNOTSUPP,
                fmt::format("{} {}: there is no such method here; /v1/openapi.json has those that are",
                            method, path));
  return fail(ENOENT, fmt::format("{}: there is no such place; /v1/openapi.json has those that are", path));
}

Result<Call> check_call(const Matched& matched, std::map<std::string, std::string, std::less<>> query,
                        std::string_view body) {
  const auto& parameters = matched.route->parameters;
  Call call{.in_path = matched.in_path, .query = std::move(query)};
  while (call.in_path.ends_with('/')) call.in_path.pop_back();
  for (const auto& [name, value] : call.query) {
    const auto row = std::ranges::find_if(
        parameters, [&](const Parameter& each) { return each.in == In::query && each.name == name; });
    if (row == parameters.end()) return fail(EINVAL, fmt::format("{}: it is not known here", name));
    if (auto checked = check_query(*row, value); !checked) return std::unexpected(checked.error());
  }
  if (!body.empty()) {
    call.body = json::parse(body, nullptr, false);
    if (!call.body.is_object()) return fail(EINVAL, "the request's body must be a JSON object");
  }
  if (auto checked = check_object(parameters, call.body, ""); !checked)
    return std::unexpected(checked.error());
  return call;
}

int http_status(int code) {
  const auto* const row = std::ranges::find(kStatuses, code, &StatusRow::code);
  return row == std::end(kStatuses) ? 500 : row->status;
}

Reply error_reply(const Error& error, std::string_view path) {
  const char* const name = ::strerrorname_np(error.code);
  nlohmann::ordered_json body;
  body["error"] = {{"errno", name == nullptr ? fmt::to_string(error.code) : name},
                   {"message", error.message},
                   {"path", path}};
  return {.status = http_status(error.code), .body = std::move(body)};
}

}  // namespace weft::faces
