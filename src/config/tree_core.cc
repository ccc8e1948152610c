// target/core: adapters and devices, in LIO's layout.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "config/attributes.h"
#include "config/model_tree.h"

namespace weft::config {

namespace {

constexpr std::uint64_t kLargestTransferBytes = 1u << 20;

// control: KEY=VALUE, as many as there are, separated by commas or newlines.
Result<> store_control(Device& device, std::string_view text) {
  block::ControlValues values;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of(",\n");
    const std::string_view pair = trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return fail(EINVAL, fmt::format("\"{}\" must be KEY=VALUE", pair));
    values.insert_or_assign(std::string(pair.substr(0, equals)), std::string(pair.substr(equals + 1)));
  }
  return device.set_control(values);
}

std::string status_text(const Device& device) {
  if (device.state() == Device::State::opening) return "Status: OPENING";
  const auto backend = device.backend();
  if (backend == nullptr) return "Status: DEACTIVATED";
  return fmt::format("Status: ACTIVATED  SectorSize: {}  {}", backend->geometry().block_bytes,
                     backend->info());
}

// A fact of the open backend; empty while it is closed.
Attribute fact(std::string name, std::shared_ptr<Device> device,
               std::uint64_t (*value)(const block::Geometry&)) {
  return {std::move(name),
          [device = std::move(device), value]() -> std::string {
            const auto backend = device->backend();
            return backend == nullptr ? std::string() : fmt::to_string(value(backend->geometry()));
          },
          nullptr};
}

class DeviceFolder : public Directory {
 public:
  explicit DeviceFolder(std::shared_ptr<Device> device) : device_(std::move(device)) {}

 protected:
  const std::shared_ptr<Device> device_;
};

class AttribDirectory final : public DeviceFolder {
 public:
  using DeviceFolder::DeviceFolder;

 protected:
  std::vector<Attribute> attributes() const override {
    const std::string reason = "Weft takes this from the backend; it cannot be set";
    auto block_size =
        fact("block_size", device_, [](const block::Geometry& g) -> std::uint64_t { return g.block_bytes; });
    block_size.store = store_now([device = device_](std::string_view value) {
      return device->set_control({{"block_size", std::string(value)}});
    });
    return {
        std::move(block_size),
        fact("hw_block_size", device_,
             [](const block::Geometry& g) -> std::uint64_t { return g.block_bytes; }),
        fact("hw_max_sectors", device_,
             [](const block::Geometry& g) -> std::uint64_t { return kLargestTransferBytes / g.block_bytes; }),
        fact("emulate_write_cache", device_,
             [](const block::Geometry& g) -> std::uint64_t { return g.volatile_cache ? 1 : 0; }),
        not_supported("emulate_fua_write", "1", "FUA is always there"),
        not_supported("is_nonrot", "1", reason),
        not_supported("pi_prot_type", "0", "protection information is not there yet")};
  }
};

class WwnDirectory final : public DeviceFolder {
 public:
  using DeviceFolder::DeviceFolder;

 protected:
  std::vector<Attribute> attributes() const override {
    std::vector<Attribute> all;
    for (const auto& row : device_identity_attributes())
      all.push_back({std::string(row.name),
                     [device = device_, &row]() -> std::string { return row.show(device->identity()); },
                     store_now([device = device_, &row](std::string_view value) {
                       return device->change_identity(
                           [&](DeviceIdentity& identity) { return row.store(identity, value); });
                     })});
    return all;
  }
};

class DeviceDirectory final : public DeviceFolder {
 public:
  using DeviceFolder::DeviceFolder;
  std::shared_ptr<LastError> last_error() const override { return device_->last_error(); }

 protected:
  std::vector<Attribute> attributes() const override {
    const auto device = device_;
    const auto enable = [device](std::string_view value, Answer answer) {
      if (value != "1")
        return answer(fail(
            EINVAL, fmt::format("\"{}\": only 1 can be written; to close it, remove its directory", value)));
      device->enable(Device::Asked::by_a_person, std::move(answer));
    };
    return {
        {"alias", [device] { return device->notes().alias; },
         store_now([device](std::string_view value) -> Result<> {
           device->change_notes([&](DeviceNotes& notes) { notes.alias = value; });
           return {};
         })},
        {"control", nullptr,
         store_now([device](std::string_view value) { return store_control(*device, value); })},
        {"enable", [device]() -> std::string { return device->state() == Device::State::open ? "1" : "0"; },
         enable},
        {"info", [device] { return status_text(*device); }, nullptr},
        {"last_error", [device] { return device->last_error()->text(); }, nullptr},
        {"udev_path", [device] { return device->notes().udev_path; },
         store_now([device](std::string_view value) -> Result<> {
           device->change_notes([&](DeviceNotes& notes) { notes.udev_path = value; });
           return {};
         })}};
  }
  std::vector<Child> children() const override {
    return {{"attrib", [device = device_] { return std::make_unique<AttribDirectory>(device); }},
            {"wwn", [device = device_] { return std::make_unique<WwnDirectory>(device); }}};
  }
};

class AdapterDirectory final : public Directory {
 public:
  AdapterDirectory(Model& model, std::shared_ptr<Adapter> adapter)
      : model_(model), adapter_(std::move(adapter)) {}

  std::unique_ptr<Node> find(std::string_view name) const override {
    if (auto device = adapter_->find(name)) return std::make_unique<DeviceDirectory>(std::move(device));
    return Directory::find(name);
  }
  std::vector<NodeEntry> list() const override {
    auto all = Directory::list();
    for (auto& name : adapter_->names()) all.push_back({std::move(name), NodeKind::directory});
    std::ranges::sort(all, {}, &NodeEntry::name);
    return all;
  }
  void make_directory(const std::string& name, Answer answer) override {
    const auto made = model_.make_device(adapter_->name() + "/" + name);
    answer(made ? Result<>() : std::unexpected(made.error()));
  }
  // Replies as soon as the name is free: others wait for this directory.
  void remove_directory(const std::string& name, Answer answer) override {
    answer(model_.remove_device(adapter_->name() + "/" + name, [] {}));
  }

 protected:
  bool takes_names() const override { return true; }
  std::vector<Attribute> attributes() const override {
    return {{"hba_info",
             [adapter = adapter_] {
               const std::string& name = adapter->name();
               return fmt::format("HBA Index: {} plugin: {} version: {}", name.substr(name.rfind('_') + 1),
                                  adapter->plugin().name, target::SubsystemSettings().firmware);
             },
             nullptr}};
  }

 private:
  Model& model_;
  const std::shared_ptr<Adapter> adapter_;
};

class CoreDirectory final : public Directory {
 public:
  explicit CoreDirectory(Model& model) : model_(model) {}

  std::unique_ptr<Node> find(std::string_view name) const override {
    auto adapter = model_.find_adapter(name);
    return adapter == nullptr ? nullptr : std::make_unique<AdapterDirectory>(model_, std::move(adapter));
  }
  std::vector<NodeEntry> list() const override {
    std::vector<NodeEntry> all;
    for (const auto& adapter : model_.adapters()) all.push_back({adapter->name(), NodeKind::directory});
    return all;
  }
  void make_directory(const std::string& name, Answer answer) override {
    for (const std::string_view foreign : {"pscsi_", "user_"})
      if (name.starts_with(foreign))
        return answer(fail(EOPNOTSUPP, "SCSI pass-through and TCMU handlers are not backends of Weft"));
    answer(model_.make_adapter(name));
  }
  void remove_directory(const std::string& name, Answer answer) override {
    answer(model_.remove_adapter(name));
  }

 protected:
  bool takes_names() const override { return true; }

 private:
  Model& model_;
};

}  // namespace

std::unique_ptr<Node> core_directory(Model& model) {
  return std::make_unique<CoreDirectory>(model);
}

}  // namespace weft::config
