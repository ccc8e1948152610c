#include "daemon/document_routes.h"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "config/nvmetcli_format.h"
#include "daemon/run_behind.h"

namespace weft::daemon {

namespace {

using faces::Call;
using faces::error_reply;
using faces::In;
using faces::Reply;
using faces::Respond;
using faces::Type;
using nlohmann::ordered_json;

constexpr std::chrono::seconds kOpenPatience{3};  // for namespaces of nvmetcli's that hang while they open

ordered_json describe(const std::vector<config::Problem>& problems) {
  ordered_json all = ordered_json::array();
  for (const auto& each : problems) {
    // A value of somebody's file need not be UTF-8.
    const ordered_json one = {{"path", each.path}, {"reason", each.reason}};
    all.push_back(ordered_json::parse(one.dump(-1, ' ', false, ordered_json::error_handler_t::replace)));
  }
  return all;
}

void save(const config::Configuration& configuration, const Call& call, Respond respond) {
  const auto tenant = call.query.find("tenant");
  const std::string nqn = tenant == call.query.end() ? std::string() : tenant->second;
  const auto document = configuration.save(nqn);
  if (!document)
    return respond(
        error_reply({ENOENT, "there is no such tenant: weft tenant list names those that there are"},
                    "nvmet/subsystems/" + nqn));
  respond({.body = ordered_json::parse(write_document(*document))});
}

// A text with a mistake in it changes nothing.
Reply restore(config::Configuration& configuration, const std::string& text, bool beside) {
  auto parsed = config::parse_document(text);
  if (!parsed) return error_reply(parsed.error(), "");
  if (!parsed->problems.empty()) {
    Reply reply = error_reply({EINVAL, "nothing was changed: the document has mistakes"}, "");
    reply.body["problems"] = describe(parsed->problems);
    return reply;
  }
  const config::Restored restored =
      beside ? configuration.restore_tenants(parsed->document) : configuration.restore(parsed->document);
  if (!restored.kept) return error_reply(restored.kept.error(), "");
  return {.body = {{"problems", describe(restored.problems)}}};
}

Reply import_from(config::Tree& tree, const std::string& text) {
  const auto problems = config::import_nvmetcli(tree, text, kOpenPatience);
  if (!problems) return error_reply(problems.error(), "kernel/nvmet");
  return {.body = {{"problems", describe(*problems)}}};
}

}  // namespace

faces::Routes document_routes(config::Configuration& configuration, config::Tree& tree) {
  const faces::Parameter text{
      .name = "text", .in = In::body, .type = Type::string, .help = "what the file holds", .required = true};
  return {
      {.method = "GET",
       .pattern = "/v1/document",
       .summary = "The configuration, or one tenant, as a document",
       .parameters = {{.name = "tenant", .in = In::query, .type = Type::string, .help = "its NQN"}},
       .handle = [&configuration](const Call& call,
                                  Respond respond) { save(configuration, call, std::move(respond)); }},
      {.method = "POST",
       .pattern = "/v1/document",
       .summary = "Makes a document true: in place of all that there is, or of its tenants and devices alone",
       .parameters = {text,
                      {.name = "beside",
                       .in = In::body,
                       .type = Type::boolean,
                       .help = "leave alone what the document does not name"}},
       .handle =
           [&configuration](const Call& call, Respond respond) {
             run_behind(
                 configuration,
                 [&configuration, text = call.body.at("text").get<std::string>(),
                  beside = call.body.value("beside", false)] { return restore(configuration, text, beside); },
                 std::move(respond));
           }},
      {.method = "GET",
       .pattern = "/v1/nvmetcli",
       .summary = "The configuration in the JSON of nvmetcli",
       .handle =
           [&tree](const Call&, Respond respond) {
             const auto exported = config::export_nvmetcli(tree);
             if (!exported) return respond(error_reply(exported.error(), "kernel/nvmet"));
             respond({.body = ordered_json::parse(*exported)});
           }},
      {.method = "POST",
       .pattern = "/v1/nvmetcli",
       .summary = "Makes what nvmetcli's JSON says, beside what there is",
       .parameters = {text},
       .handle =
           [&configuration, &tree](const Call& call, Respond respond) {
             run_behind(
                 configuration,
                 [&tree, text = call.body.at("text").get<std::string>()] { return import_from(tree, text); },
                 std::move(respond));
           }},
  };
}

}  // namespace weft::daemon
