// weft discover, identify, log, feature: what a target says of itself.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/fields.h"
#include "cli/remote_options.h"
#include "cli/table.h"
#include "wire/features.h"
#include "wire/nqn.h"

namespace weft::cli {

namespace {

using nlohmann::ordered_json;

struct Asked {
  RemoteOptions remote;
  std::string target;
  std::uint32_t nsid = 0;
  bool json = false;
};

void add_asked(CLI::App& app, Asked& asked, const char* what) {
  app.add_option("target", asked.target, what)->type_name("TARGET")->required();
  app.add_flag("--json", asked.json, "print JSON");
  add_remote_options(app, asked.remote);
}

// Of one controller, until the end of the command.
struct Reached {
  std::unique_ptr<Remotes> remotes;
  std::unique_ptr<host::Session> session;
};
Result<Reached> reach(const Asked& asked) {
  auto name = parse_remote(asked.target);
  if (!name) return std::unexpected(name.error());
  Reached reached;
  auto remotes = Remotes::start(asked.remote);
  if (!remotes) return std::unexpected(remotes.error());
  reached.remotes = std::move(*remotes);
  auto session = reached.remotes->connect(*name);
  if (!session) return std::unexpected(session.error());
  reached.session = std::move(*session);
  return reached;
}

std::string_view subtype_text(wire::SubsystemType type) {
  switch (type) {
    case wire::SubsystemType::referral:
      return "referral";
    case wire::SubsystemType::nvm:
      return "nvm";
    case wire::SubsystemType::current_discovery:
      return "this discovery service";
  }
  return "unknown";
}

ordered_json entry_json(const host::DiscoveryEntry& entry) {
  return {{"trtype", wire::name(entry.trtype)},
          {"subtype", subtype_text(entry.subtype)},
          {"traddr", entry.traddr},
          {"trsvcid", entry.trsvcid},
          {"subnqn", entry.subnqn},
          {"portid", entry.portid},
          {"treq", entry.treq & 3},
          {"sectype", static_cast<int>(entry.security)}};
}

void print_entries(const std::vector<host::DiscoveryEntry>& entries, bool json) {
  if (json) {
    ordered_json all = ordered_json::array();
    for (const auto& each : entries) all.push_back(entry_json(each));
    return print_json({{"entries", std::move(all)}});
  }
  std::vector<TableRow> rows{{"TRANSPORT", "ADDRESS", "SERVICE", "KIND", "SUBSYSTEM"}};
  for (const auto& each : entries)
    rows.push_back({std::string(wire::name(each.trtype)), each.traddr, each.trsvcid,
                    std::string(subtype_text(each.subtype)), each.subnqn});
  fmt::print("{}", table_text(rows));
}

}  // namespace

int discover(int argc, const char* const* argv) {
  constexpr const char* kName = "weft discover";
  CLI::App app("What a discovery service knows: subsystems, and where they are.", kName);
  Asked asked;
  bool no_referrals = false;
  add_asked(app, asked, "tcp://HOST[:PORT]; the port is 8009 when none is given");
  app.add_flag("--no-referrals", no_referrals, "do not ask the services that it refers to");
  if (const auto status = parse(app, argc, argv)) return *status;
  auto name = parse_remote(asked.target);
  if (!name) return report(kName, name.error());
  name->subnqn.clear();
  auto remotes = Remotes::start(asked.remote);
  if (!remotes) return report(kName, remotes.error());
  int result = 0;
  const auto skipped = [&](const host::DiscoveryEntry& at, const Error& error) {
    result =
        report(kName, Error{error.code == EINVAL ? EIO : error.code,
                            fmt::format("the referral to {}:{}: {}", at.traddr, at.trsvcid, error.message)});
  };
  auto entries = (*remotes)->discover(*name, no_referrals ? Referrals::listed : Referrals::followed, skipped);
  if (!entries) return report(kName, entries.error());
  print_entries(*entries, asked.json);
  return result;
}

int identify(int argc, const char* const* argv) {
  constexpr const char* kName = "weft identify";
  CLI::App app("What a controller, or with --namespace one of its namespaces, says of itself.", kName);
  Asked asked;
  add_asked(app, asked, "tcp://HOST[:PORT]/NQN");
  app.add_option("--namespace", asked.nsid, "of this namespace, not of the controller")
      ->check(CLI::Range(1u, 0xFFFFFFFEu))
      ->type_name("N");
  if (const auto status = parse(app, argc, argv)) return *status;
  const auto reached = reach(asked);
  if (!reached) return report(kName, reached.error());
  if (asked.nsid == 0) {
    auto namespaces = host::active_namespaces(*reached->session);
    // A discovery controller has none.
    const std::vector<Nsid> all = namespaces ? std::move(*namespaces) : std::vector<Nsid>();
    print_fields(controller_fields(*reached->session, all), asked.json);
    return 0;
  }
  const auto info = host::namespace_info(*reached->session, Nsid(asked.nsid));
  if (!info) return report(kName, info.error());
  print_fields(namespace_fields(*info), asked.json);
  return 0;
}

int log_page(int argc, const char* const* argv) {
  constexpr const char* kName = "weft log";
  CLI::App app("A log page of a controller.", kName);
  Asked asked;
  std::string page;
  std::string bytes;
  bool raw = false;
  bool clears = false;
  app.add_option("page", page, "error, smart, firmware, changed, effects, ana, or an identifier like 0x05")
      ->type_name("PAGE")
      ->required();
  add_asked(app, asked, "tcp://HOST[:PORT]/NQN");
  app.add_option("--bytes", bytes, "how much of it; default: what the page has")->type_name("SIZE");
  app.add_flag("--raw", raw, "write its bytes as they are");
  app.add_flag("--clear-event", clears, "reading it ends the event that told of it");
  if (const auto status = parse(app, argc, argv)) return *status;
  const auto wanted = find_log(page);
  if (!wanted) return refuse(kName, wanted.error().message);
  std::uint64_t count = wanted->bytes;
  if (!bytes.empty()) {
    constexpr std::uint64_t kMost = std::uint64_t{64} * 1024 * 1024;
    const auto size = parse_size(bytes);
    if (!size || *size == 0 || *size % 4 != 0 || *size > kMost)
      return refuse(kName, fmt::format("--bytes \"{}\": must be a multiple of 4, and 64M at most", bytes));
    count = *size;
  }
  const auto reached = reach(asked);
  if (!reached) return report(kName, reached.error());
  const auto read =
      host::log_page(*reached->session, {.lid = wanted->lid, .bytes = count, .keeps_event = !clears});
  if (!read) return report(kName, read.error());
  if (raw) {
    if (std::fwrite(read->data(), 1, read->size(), stdout) == read->size() && std::fflush(stdout) == 0)
      return 0;
    return report(kName, Error{EIO, "the output took no more"});
  }
  print_log(wanted->lid, *read, asked.json);
  return 0;
}

int feature(int argc, const char* const* argv) {
  constexpr const char* kName = "weft feature";
  CLI::App app("The value of a feature of a controller; with a value, sets it.", kName);
  Asked asked;
  std::string id;
  std::string value;
  app.add_option("feature", id, "its identifier, like 0x07, or its name, like \"volatile write cache\"")
      ->type_name("FEATURE")
      ->required();
  add_asked(app, asked, "tcp://HOST[:PORT]/NQN");
  app.add_option("--set", value, "dword 11 of Set Features")->type_name("N");
  app.add_option("--namespace", asked.nsid, "of this namespace")
      ->check(CLI::Range(1u, 0xFFFFFFFFu))
      ->type_name("N");
  if (const auto status = parse(app, argc, argv)) return *status;
  const auto fid = find_feature(id);
  if (!fid) return refuse(kName, fid.error().message);
  const auto dword = parse_number(value, 0, 0xFFFFFFFF);
  if (!value.empty() && !dword)
    return refuse(kName, fmt::format("--set \"{}\": must be a number of 32 bits", value));
  const auto reached = reach(asked);
  if (!reached) return report(kName, reached.error());
  if (!value.empty()) {
    const auto set = reached->session->admin(wire::make_set_features(
        {.nsid = Nsid(asked.nsid), .fid = *fid, .cdw11 = static_cast<std::uint32_t>(*dword)}));
    if (!set) return report(kName, set.error());
  }
  std::vector<std::byte> data(feature_bytes(*fid));
  const std::uint32_t cdw11 = *fid == static_cast<std::uint8_t>(wire::FeatureId::host_identifier) ? 1 : 0;
  const auto got = reached->session->admin(
      wire::make_get_features({.nsid = Nsid(asked.nsid), .fid = *fid, .cdw11 = cdw11}), data);
  if (!got) return report(kName, got.error());
  print_fields(feature_fields(*fid, got->dw0(), data), asked.json);
  return 0;
}

}  // namespace weft::cli
