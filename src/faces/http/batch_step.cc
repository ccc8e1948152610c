#include "faces/http/batch_step.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace weft::faces {

namespace {

using config::NodeKind;
using nlohmann::ordered_json;
using Kind = Step::Kind;

constexpr std::string_view kSubsystems = "nvmet/subsystems/";
constexpr std::string_view kCore = "target/core/";
constexpr std::string_view kNames[] = {"mkdir", "rmdir", "ln", "rm", "set"};

const char* text_name(Kind kind) {
  return kind == Kind::ln ? "target" : kind == Kind::set ? "value" : nullptr;
}

std::string first_names(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; count > 0 && at != std::string_view::npos; --count) at = text.find('/', at == 0 ? 0 : at + 1);
  return std::string(text.substr(0, at));
}

std::size_t depth_of(std::string_view path) {
  return static_cast<std::size_t>(std::ranges::count(path, '/'));
}

// "rd_mcp_1/disk" of a link's target; empty: it names no device.
std::string device_of(std::string_view target) {
  const std::size_t at = target.rfind(kCore);
  if (at == std::string_view::npos) return "";
  std::string_view name = target.substr(at + kCore.size());
  while (name.ends_with('/')) name.remove_suffix(1);
  return std::string(name);
}

bool is_below(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) && path.size() > directory.size() && path[directory.size()] == '/';
}

// The devices that the tenant's links name now.
void add_linked_devices(const config::Tree& tree, const std::string& nqn, std::set<std::string>& devices) {
  const std::string namespaces = std::string(kSubsystems) + nqn + "/namespaces";
  const auto entries = tree.list(namespaces);
  if (!entries) return;
  for (const auto& entry : *entries) {
    const std::string directory = namespaces + "/" + entry.name;
    const auto inside = tree.list(directory);
    if (!inside) continue;
    for (const auto& each : *inside)
      if (each.kind == NodeKind::link)
        if (const auto target = tree.read_link(directory + "/" + each.name))
          devices.insert(device_of(*target));
  }
}

class Checker {
 public:
  Checker(const config::Tree& tree, const std::vector<Step>& steps) : tree_(tree), steps_(steps) {}

  std::expected<std::string, Refusal> check() {
    for (std::size_t i = 0; i < steps_.size(); ++i)
      if (auto named = note_names(steps_[i]); !named) return std::unexpected(Refusal{i, named.error()});
    if (nqn_.empty())
      return std::unexpected(Refusal{0,
                                     {EINVAL,
                                      "no step is about a subsystem: a batch is for one tenant, "
                                      "nvmet/subsystems/NQN with the devices that it links"}});
    add_linked_devices(tree_, nqn_, devices_);
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      auto checked = check_scope(steps_[i]);
      if (checked) checked = check_undoable(steps_[i], i + 1 == steps_.size());
      if (!checked) return std::unexpected(Refusal{i, checked.error()});
    }
    return nqn_;
  }

 private:
  Result<> note_names(const Step& step) {
    if (step.kind == Kind::ln) devices_.insert(device_of(step.text));
    if (!step.path.starts_with(kSubsystems) || step.path.size() == kSubsystems.size()) return {};
    const std::string nqn = first_names(std::string_view(step.path).substr(kSubsystems.size()), 1);
    if (nqn_.empty()) nqn_ = nqn;
    if (nqn == nqn_) return {};
    return fail(EINVAL, fmt::format("{}: a batch is for one tenant, and this is not {}", step.path, nqn_));
  }

  Result<> check_scope(const Step& step) const {
    const std::string& path = step.path;
    if (path.starts_with(kSubsystems) && path.size() > kSubsystems.size()) return {};
    if (!path.starts_with(kCore) || path.size() == kCore.size())
      return fail(EINVAL,
                  fmt::format("{}: a batch changes one subsystem below nvmet/subsystems, and devices below "
                              "target/core",
                              path));
    if (depth_of(path) == 2) {
      if (step.kind == Kind::mkdir) return {};  // an adapter for the devices
      return fail(EINVAL, fmt::format("{}: adapters are shared by tenants; remove them alone", path));
    }
    const std::string device = first_names(std::string_view(path).substr(kCore.size()), 2);
    if (devices_.contains(device)) return {};
    return fail(EINVAL, fmt::format("{}: no link of {} names this device", path, nqn_));
  }

  Result<> check_undoable(const Step& step, bool is_last) {
    if (step.kind == Kind::mkdir) {
      // One that may exist is perhaps not made here.
      if (!step.may_exist || !tree_.info(step.path)) made_.push_back(step.path);
      return {};
    }
    if (is_last || is_inside_made(step.path)) return {};
    const auto refuse = [&](std::string_view why) {
      return fail(EINVAL,
                  fmt::format("{}: {}, so it cannot be taken back: only the last step may be of that kind",
                              step.path, why));
    };
    const bool is_device = step.path.starts_with(kCore);
    if (step.kind == Kind::rmdir && is_device) return refuse("a device that is removed lets go of its data");
    if (step.kind != Kind::set) return {};
    if (is_device && step.path.ends_with("/enable")) return refuse("a device closes only when it is removed");
    const auto info = tree_.info(step.path);
    if (info && info->kind == NodeKind::attribute && !info->readable) return refuse("it cannot be read");
    return {};
  }

  bool is_inside_made(const std::string& path) const {
    return std::ranges::any_of(made_, [&](const auto& each) { return is_below(path, each); });
  }

  const config::Tree& tree_;
  const std::vector<Step>& steps_;
  std::string nqn_;
  std::set<std::string> devices_;
  std::vector<std::string> made_;
};

// A directory again with the values that its attributes have; what is enabled comes last.
std::vector<Step> remake(const config::Tree& tree, const std::string& path) {
  std::vector<Step> steps{{.kind = Kind::mkdir, .path = path}};
  const auto entries = tree.list(path);
  if (!entries) return steps;
  std::optional<Step> enable;
  for (const auto& entry : *entries) {
    const std::string attribute = path + "/" + entry.name;
    const auto info = tree.info(attribute);
    if (entry.kind != NodeKind::attribute || !info || !info->readable || !info->writable) continue;
    auto value = tree.read(attribute);
    if (!value) continue;
    Step step{.kind = Kind::set, .path = attribute, .text = std::move(*value)};
    if (entry.name == "enable")
      enable = std::move(step);
    else
      steps.push_back(std::move(step));
  }
  if (enable) steps.push_back(std::move(*enable));
  return steps;
}

}  // namespace

std::vector<Parameter> step_fields() {
  return {{.name = "op",
           .in = In::body,
           .help = "what to do",
           .required = true,
           .choices = {std::begin(kNames), std::end(kNames)}},
          {.name = "path", .in = In::body, .help = "of the object", .required = true},
          {.name = "value", .in = In::body, .help = "of set: the attribute's new value"},
          {.name = "target", .in = In::body, .help = "of ln: what the link points at"},
          {.name = "may_exist",
           .in = In::body,
           .type = Type::boolean,
           .help = "of mkdir: one that is there already is as good"}};
}

Step read_step(const nlohmann::json& checked) {
  const auto* const name = std::ranges::find(kNames, checked["op"].get<std::string>());
  Step step{.kind = static_cast<Kind>(name - std::begin(kNames)), .path = checked["path"].get<std::string>()};
  if (const char* const text = text_name(step.kind)) step.text = checked.value(text, "");
  step.may_exist = checked.value("may_exist", false);
  return step;
}

ordered_json describe(const Step& step) {
  ordered_json described = {{"op", kNames[static_cast<std::size_t>(step.kind)]}, {"path", step.path}};
  if (const char* const text = text_name(step.kind)) described[text] = step.text;
  return described;
}

void perform(config::Tree& tree, const Step& step, config::Answer answer) {
  switch (step.kind) {
    case Kind::mkdir:
      return tree.make_directory(step.path, std::move(answer));
    case Kind::rmdir:
      return tree.remove_directory(step.path, std::move(answer));
    case Kind::ln:
      return tree.make_link(step.path, step.text, std::move(answer));
    case Kind::rm:
      return tree.remove_link(step.path, std::move(answer));
    case Kind::set:
      return tree.write(step.path, step.text, std::move(answer));
  }
}

std::expected<std::string, Refusal> check_steps(const config::Tree& tree, const std::vector<Step>& steps) {
  return Checker(tree, steps).check();
}

std::vector<Step> undo_of(const config::Tree& tree, const Step& step, const std::vector<std::string>& made) {
  switch (step.kind) {
    case Kind::mkdir:
      return {{.kind = Kind::rmdir, .path = step.path}};
    case Kind::ln:
      return {{.kind = Kind::rm, .path = step.path}};
    case Kind::rmdir:
      return remake(tree, step.path);
    case Kind::rm: {
      auto target = tree.read_link(step.path);
      if (!target) return {};  // nor will the step succeed
      return {{.kind = Kind::ln, .path = step.path, .text = std::move(*target)}};
    }
    case Kind::set:
      break;
  }
  if (std::ranges::any_of(made, [&](const auto& each) { return is_below(step.path, each); })) return {};
  auto value = tree.read(step.path);
  if (!value) return {};
  return {{.kind = Kind::set, .path = step.path, .text = std::move(*value)}};
}

}  // namespace weft::faces
