#include "faces/http/tree_routes.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "base/text.h"

namespace weft::faces {

namespace {

using config::NodeKind;
using nlohmann::ordered_json;

constexpr std::size_t kMostNodes = 1'000'000;  // of one answer
constexpr std::uint64_t kMostDepth = 32;

std::string_view kind_name(NodeKind kind) {
  return kind == NodeKind::directory ? "directory" : kind == NodeKind::attribute ? "attribute" : "link";
}

std::string join(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

// Bytes that are no UTF-8 cannot stand in JSON: a path may be anything.
ordered_json text(const std::string& value) {
  const std::string dumped = ordered_json(value).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  return ordered_json::parse(dumped);
}

enum class Attributes : std::uint8_t { none, names, values };

// What a caller asked to see of the tree.
class View {
 public:
  View(const config::Tree& tree, Attributes attributes, std::uint64_t depth)
      : tree_(tree), attributes_(attributes), depth_(depth) {}

  Result<ordered_json> show(const std::string& path) {
    const auto info = tree_.info(path);
    if (!info) return std::unexpected(info.error());
    ordered_json shown = {{"path", text(path)}, {"kind", kind_name(info->kind)}};
    if (info->kind == NodeKind::directory) {
      shown["writable"] = info->writable;
      auto entries = list(path, 1);
      if (!entries) return std::unexpected(std::move(entries.error()));
      shown["entries"] = std::move(*entries);
      return shown;
    }
    auto value = info->kind == NodeKind::link ? tree_.read_link(path) : tree_.read(path);
    if (!value) return std::unexpected(std::move(value.error()));
    if (info->kind == NodeKind::attribute) {
      shown["readable"] = info->readable;
      shown["writable"] = info->writable;
    }
    shown[info->kind == NodeKind::link ? "target" : "value"] = text(*value);
    return shown;
  }

 private:
  Result<ordered_json> list(const std::string& path, std::uint64_t level) {
    const auto entries = tree_.list(path);
    if (!entries) return std::unexpected(entries.error());
    ordered_json shown = ordered_json::array();
    for (const auto& entry : *entries) {
      if (entry.kind == NodeKind::attribute && attributes_ == Attributes::none) continue;
      if (++nodes_ > kMostNodes)
        return fail(E2BIG, fmt::format("there are more than {} objects: ask for a part of them", kMostNodes));
      auto one = describe(path, entry, level);
      if (!one && one.error().code == ENOENT) continue;  // removed meanwhile
      if (!one) return one;
      shown.push_back(std::move(*one));
    }
    return shown;
  }

  Result<ordered_json> describe(const std::string& directory, const config::NodeEntry& entry,
                                std::uint64_t level) {
    const std::string path = join(directory, entry.name);
    ordered_json shown = {{"name", text(entry.name)}, {"kind", kind_name(entry.kind)}};
    if (entry.kind == NodeKind::directory && level < depth_) {
      auto entries = list(path, level + 1);
      if (!entries) return entries;
      shown["entries"] = std::move(*entries);
    }
    if (entry.kind == NodeKind::link) {
      const auto target = tree_.read_link(path);
      if (!target) return std::unexpected(target.error());
      shown["target"] = text(*target);
    }
    if (entry.kind == NodeKind::attribute && attributes_ == Attributes::values)
      return with_value(path, std::move(shown));
    return shown;
  }

  Result<ordered_json> with_value(const std::string& path, ordered_json shown) const {
    const auto info = tree_.info(path);
    if (!info) return std::unexpected(info.error());
    shown["readable"] = info->readable;
    shown["writable"] = info->writable;
    if (!info->readable) return shown;
    const auto value = tree_.read(path);
    if (value)
      shown["value"] = text(*value);
    else
      shown.update(error_reply(value.error(), path).body);
    return shown;
  }

  const config::Tree& tree_;
  const Attributes attributes_;
  const std::uint64_t depth_;
  std::size_t nodes_ = 0;
};

void get(const config::Tree& tree, const Call& call, Respond respond) {
  const auto wanted = [&](const char* name) {
    const auto found = call.query.find(name);
    return found == call.query.end() ? std::string() : found->second;
  };
  const std::string attributes = wanted("attributes");
  const auto depth =
      wanted("depth").empty() ? 1 : parse_number(wanted("depth"), 1, kMostDepth).value_or(kMostDepth);
  View view(tree,
            attributes == "none"     ? Attributes::none
            : attributes == "values" ? Attributes::values
                                     : Attributes::names,
            depth);
  auto shown = view.show(call.in_path);
  respond(shown ? Reply{.body = std::move(*shown)} : error_reply(shown.error(), call.in_path));
}

// The caller's answer to a change.
config::Answer answering(const Call& call, Respond respond) {
  return [path = call.in_path, respond = std::move(respond)](Result<> result) mutable {
    respond(result ? Reply() : error_reply(result.error(), path));
  };
}

void put(config::Tree& tree, const Call& call, Respond respond) {
  tree.write(call.in_path, call.body["value"].get<std::string>(), answering(call, std::move(respond)));
}

void post(config::Tree& tree, const Call& call, Respond respond) {
  const bool has_target = call.body.contains("target");
  if ((call.body["kind"] == "link") != has_target)
    return respond(error_reply({EINVAL,
                                "a link has a target, and nothing else has: send {\"kind\": \"link\", "
                                "\"target\": ...} or {\"kind\": \"directory\"}"},
                               call.in_path));
  auto answer = answering(call, std::move(respond));
  if (has_target)
    tree.make_link(call.in_path, call.body["target"].get<std::string>(), std::move(answer));
  else
    tree.make_directory(call.in_path, std::move(answer));
}

void remove(config::Tree& tree, const Call& call, Respond respond) {
  const auto info = tree.info(call.in_path);
  if (!info) return respond(error_reply(info.error(), call.in_path));
  auto answer = answering(call, std::move(respond));
  if (info->kind == NodeKind::directory)
    tree.remove_directory(call.in_path, std::move(answer));
  else
    tree.remove_link(call.in_path, std::move(answer));
}

}  // namespace

Routes tree_routes(config::Tree& tree) {
  const Parameter path = {.name = "path",
                          .in = In::path,
                          .help = "of the object, like nvmet/subsystems/NQN/hosts; each name percent-encoded",
                          .required = true};
  return {
      {.method = "GET",
       .pattern = "/v1/tree/{path}",
       .summary = "An attribute's value, a link's target, or what a directory holds",
       .parameters = {path,
                      {.name = "attributes",
                       .help = "how attributes of directories are shown; names where it is not given",
                       .choices = {"none", "names", "values"}},
                      {.name = "depth",
                       .type = Type::integer,
                       .help =
                           "how many levels of directories are listed; 1 where it is not given, at most 32"}},
       .handle = [&tree](const Call& call, Respond respond) { get(tree, call, std::move(respond)); }},
      {.method = "PUT",
       .pattern = "/v1/tree/{path}",
       .summary = "Change an attribute",
       .parameters = {path, {.name = "value", .in = In::body, .help = "the new value", .required = true}},
       .success = 204,
       .handle = [&tree](const Call& call, Respond respond) { put(tree, call, std::move(respond)); }},
      {.method = "POST",
       .pattern = "/v1/tree/{path}",
       .summary = "Make a directory, which is an object, or a link",
       .parameters = {path,
                      {.name = "kind",
                       .in = In::body,
                       .help = "what to make",
                       .required = true,
                       .choices = {"directory", "link"}},
                      {.name = "target", .in = In::body, .help = "of a link"}},
       .success = 201,
       .handle = [&tree](const Call& call, Respond respond) { post(tree, call, std::move(respond)); }},
      {.method = "DELETE",
       .pattern = "/v1/tree/{path}",
       .summary = "Remove a directory with its attributes, or a link",
       .parameters = {path},
       .success = 204,
       .handle = [&tree](const Call& call, Respond respond) { remove(tree, call, std::move(respond)); }},
  };
}

}  // namespace weft::faces
