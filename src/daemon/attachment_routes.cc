#include "daemon/attachment_routes.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "base/text.h"
#include "daemon/local_device.h"
#include "daemon/run_behind.h"
#include "wire/nqn.h"

namespace weft::daemon {

namespace {

using faces::Call;
using faces::error_reply;
using faces::In;
using faces::Reply;
using faces::Respond;
using faces::Type;
using nlohmann::ordered_json;

constexpr const char* kPath = "/v1/attachments";
constexpr std::size_t kMostAddresses = 16;

ordered_json describe(const host::PathState& path) {
  ordered_json described{{"traddr", path.address.traddr},
                         {"trsvcid", path.address.trsvcid},
                         {"state", host::name(path.kind)},
                         {"losses", path.losses}};
  if (path.ana) described["ana_state"] = wire::name(*path.ana);
  if (path.why.code != 0) described["why"] = path.why.message;
  return described;
}

ordered_json describe(const Attached& one) {
  ordered_json paths = ordered_json::array();
  for (const host::PathState& each : one.paths) paths.push_back(describe(each));
  ordered_json described{
      {"name", one.name},       {"transport", one.transport}, {"subnqn", one.subnqn},
      {"nsid", one.nsid},       {"bytes", one.bytes},         {"block_bytes", one.block_bytes},
      {"as", one.as},           {"path", one.path},           {"address", one.address},
      {"clients", one.clients}, {"paths", std::move(paths)},  {"gone", one.is_gone}};
  return described;
}

Result<AttachRequest> request_of(const nlohmann::json& body) {
  AttachRequest request{.transport = body.value("transport", ""),
                        .subnqn = body.value("subnqn", ""),
                        .identity = {.nqn = body.value("hostnqn", "")},
                        .nsid = body.value("nsid", 0u),
                        .as = body.value("as", "nbd"),
                        .header_digest = body.value("hdr_digest", false),
                        .data_digest = body.value("data_digest", false)};
  for (const auto& each : body.value("addresses", nlohmann::json::array()))
    request.addresses.push_back({.traddr = each.value("traddr", ""), .trsvcid = each.value("trsvcid", "")});
  if (request.addresses.empty()) request.addresses.emplace_back();  // loop has none
  if (request.addresses.size() > kMostAddresses)
    return fail(EINVAL, fmt::format("addresses: {} are too many; {} at most", request.addresses.size(),
                                    kMostAddresses));
  for (const std::string* name : {&request.subnqn, &request.identity.nqn})
    if (const auto flaw = wire::nqn_flaw(*name); flaw != wire::NqnFlaw::none)
      return fail(EINVAL, fmt::format("\"{}\": the name {}", *name, wire::describe(flaw)));
  const auto id = parse_uuid(body.value("hostid", ""));
  if (!id) return fail(EINVAL, "hostid: must be a UUID");
  request.identity.id = id->bytes;
  return request;
}

std::vector<std::string> device_names() {
  std::vector<std::string> names;
  for (const LocalDeviceKind& kind : local_device_kinds()) names.emplace_back(kind.name);
  return names;
}

faces::Parameter text(const char* name, const char* help, bool required) {
  return {.name = name, .in = In::body, .type = Type::string, .help = help, .required = required};
}

}  // namespace

faces::Routes attachment_routes(Attachments& attachments, config::Configuration& configuration) {
  return {
      {.method = "GET",
       .pattern = kPath,
       .summary = "What is attached",
       .handle =
           [&attachments](const Call&, Respond respond) {
             ordered_json all = ordered_json::array();
             for (const Attached& each : attachments.all()) all.push_back(describe(each));
             respond({.body = {{"attachments", std::move(all)}}});
           }},
      {.method = "POST",
       .pattern = kPath,
       .summary = "Connects to a namespace of a target as a host, and makes it a local device",
       .parameters =
           {text("transport", "tcp, or loop for this daemon's own target", true),
            {.name = "addresses",
             .in = In::body,
             .type = Type::list,
             .help = "ways to the subsystem; none for loop",
             .fields = {text("traddr", "the target's address", true),
                        text("trsvcid", "its service id", true)}},
            text("subnqn", "the subsystem", true),
            text("hostnqn", "name of this host", true),
            text("hostid", "its identifier, a UUID", true),
            {.name = "nsid",
             .in = In::body,
             .type = Type::integer,
             .help = "the namespace; default: the only one"},
            {.name = "as",
             .in = In::body,
             .help = "what it becomes; default: nbd",
             .choices = device_names()},
            {.name = "hdr_digest", .in = In::body, .type = Type::boolean, .help = "protect headers"},
            {.name = "data_digest", .in = In::body, .type = Type::boolean, .help = "protect data"}},
       .success = 201,
       .handle =
           [&attachments, &configuration](const Call& call, Respond respond) {
             const auto request = request_of(call.body);
             if (!request) return respond(error_reply(request.error(), kPath));
             run_behind(
                 configuration,
                 [&attachments, request = *request]() -> Reply {
                   const auto attached = attachments.attach(request);
                   if (!attached) return error_reply(attached.error(), kPath);
                   return {.body = describe(*attached)};
                 },
                 std::move(respond));
           }},
      {.method = "DELETE",
       .pattern = "/v1/attachments/{name}",
       .summary = "Detaches it: its connections end",
       .parameters = {{.name = "name", .in = In::path, .type = Type::string, .help = "as the list says"}},
       .success = 204,
       .handle =
           [&attachments, &configuration](const Call& call, Respond respond) {
             run_behind(
                 configuration,
                 [&attachments, name = call.in_path]() -> Reply {
                   const auto detached = attachments.detach(name);
                   return detached ? Reply{} : error_reply(detached.error(), kPath);
                 },
                 std::move(respond));
           }},
  };
}

}  // namespace weft::daemon
