// nvmet/subsystems/<nqn>/controllers: what is connected now.  Nothing in it can be changed.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/text.h"
#include "config/model_tree.h"
#include "target/controller.h"

namespace weft::config {

namespace {

// As it is named: 1 and not 01.
std::optional<Cntlid> read_cntlid(std::string_view name) {
  const auto number = parse_number(name, 0, kDynamicController.value() - 1u);
  if (!number || fmt::to_string(*number) != name) return std::nullopt;
  return Cntlid(static_cast<std::uint16_t>(*number));
}

std::unique_ptr<Node> controller_directory(const StateStore& state, const target::ControllerInfo& info) {
  const auto fixed = [](std::string name, std::string value) {
    return Attribute{std::move(name), [value = std::move(value)] { return value; }, nullptr};
  };
  return std::make_unique<FixedDirectory>(
      std::vector<Directory::Child>(),
      std::vector<Attribute>{
          fixed("host_traddr", info.host_traddr), fixed("hostid", uuid_text(Uuid{info.host.id})),
          fixed("hostnqn", info.host.nqn), fixed("kato", fmt::to_string(info.keep_alive_ms)),
          fixed("port", state.port_of(info.port)), fixed("queues", fmt::to_string(info.io_queues)),
          fixed("state", std::string(target::name(info.state)))});
}

class ControllersDirectory final : public Directory {
 public:
  ControllersDirectory(const StateStore& state, std::shared_ptr<target::Subsystem> subsystem)
      : state_(state), subsystem_(std::move(subsystem)) {}

  std::unique_ptr<Node> find(std::string_view name) const override {
    const auto cntlid = read_cntlid(name);
    const auto controller = cntlid ? subsystem_->find_controller(*cntlid) : nullptr;
    return controller == nullptr ? nullptr : controller_directory(state_, controller->info());
  }
  std::vector<NodeEntry> list() const override {
    std::vector<NodeEntry> all;
    for (const auto& controller : subsystem_->controllers())
      all.push_back({fmt::to_string(controller->cntlid().value()), NodeKind::directory});
    std::ranges::sort(all, {}, &NodeEntry::name);
    return all;
  }

 private:
  const StateStore& state_;
  const std::shared_ptr<target::Subsystem> subsystem_;
};

}  // namespace

std::unique_ptr<Node> controllers_directory(const StateStore& state,
                                            std::shared_ptr<target::Subsystem> subsystem) {
  return std::make_unique<ControllersDirectory>(state, std::move(subsystem));
}

}  // namespace weft::config
