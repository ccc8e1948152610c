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

// What a backend's geometry says.
struct Fact {
  const char* name;
  std::uint64_t (*value)(const block::Geometry&);
};

constexpr std::uint64_t kMostWriteZeroesBlocks = 1u << 16;  // what one command of a host can ask for
constexpr std::uint64_t kMostDiscardBlocks = 0xFFFFFFFF;    // of one range

bool discards(const block::Geometry& geometry) {
  return geometry.discard_granularity_blocks > 0;
}

// LIO shows these of the medium, for reading alone.
constexpr Fact kHardwareFacts[] = {
    {"hw_block_size", [](const block::Geometry& g) -> std::uint64_t { return g.block_bytes; }},
    {"hw_max_sectors",
     [](const block::Geometry& g) -> std::uint64_t { return kLargestTransferBytes / g.block_bytes; }},
};
// These can be set in LIO.
constexpr Fact kFacts[] = {
    {"emulate_write_cache",
     [](const block::Geometry& g) -> std::uint64_t { return g.volatile_cache ? 1 : 0; }},
    {"is_nonrot", [](const block::Geometry& g) -> std::uint64_t { return g.rotational ? 0 : 1; }},
    {"max_unmap_lba_count",
     [](const block::Geometry& g) -> std::uint64_t { return discards(g) ? kMostDiscardBlocks : 0; }},
    {"max_write_same_len",
     [](const block::Geometry& g) -> std::uint64_t { return g.read_only ? 0 : kMostWriteZeroesBlocks; }},
    {"unmap_granularity",
     [](const block::Geometry& g) -> std::uint64_t { return g.discard_granularity_blocks; }},
    // As hosts are told in Identify.
    {"unmap_zeroes_data", [](const block::Geometry& g) -> std::uint64_t { return discards(g) ? 1 : 0; }},
};

// Empty while it is closed.
std::string fact_text(const Device& device, const Fact& fact) {
  const auto backend = device.backend();
  return backend == nullptr ? std::string() : fmt::to_string(fact.value(backend->geometry()));
}

Result<> refuse_other(const std::string& now, std::string_view value) {
  if (value == now) return {};
  return fail(EOPNOTSUPP,
              now.empty()
                  ? fmt::format("\"{}\": the backend says it once it is open; it cannot be set", value)
                  : fmt::format("\"{}\": it is {}, as the backend says; it cannot be set", value, now));
}

// The open backend's, else what it is to be opened with.
std::string block_size_text(const Device& device) {
  if (const auto backend = device.backend()) return fmt::to_string(backend->geometry().block_bytes);
  const auto control = device.entry().control;
  const auto asked = control.find("block_size");
  return asked == control.end() ? std::string() : asked->second;
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
    std::vector<Attribute> all = {
        block_size(), not_supported("emulate_fua_write", "1", "FUA is always there"),
        not_supported("pi_prot_type", "0", "protection information is not there yet"),
        not_supported("unmap_granularity_alignment", "0", "what is discarded is counted from block 0")};
    for (const Fact& fact : kHardwareFacts) all.push_back(shown(fact));
    for (const Fact& fact : kFacts) {
      all.push_back(shown(fact));
      all.back().store = store_now([device = device_, &fact](std::string_view value) {
        return refuse_other(fact_text(*device, fact), value);
      });
    }
    return all;
  }

 private:
  Attribute block_size() const {
    return {"block_size", [device = device_] { return block_size_text(*device); },
            store_now([device = device_](std::string_view value) -> Result<> {
              if (value == block_size_text(*device)) return {};
              return device->set_control({{"block_size", std::string(value)}});
            })};
  }
  Attribute shown(const Fact& fact) const {
    return {fact.name, [device = device_, &fact] { return fact_text(*device, fact); }, nullptr};
  }
};

// What is counted of the open backend's answers; 0 while it is closed.
struct Statistic {
  const char* name;
  std::uint64_t (*value)(const block::IoTotals&);
};

constexpr Statistic kStatistics[] = {
    {"discard_commands", [](const block::IoTotals& io) { return io.of(block::Op::discard).done; }},
    {"errors",
     [](const block::IoTotals& io) {
       std::uint64_t errors = 0;
       for (const auto& op : io.ops) errors += op.errors;
       return errors;
     }},
    {"flush_commands", [](const block::IoTotals& io) { return io.of(block::Op::flush).done; }},
    {"read_bytes", [](const block::IoTotals& io) { return io.of(block::Op::read).bytes; }},
    {"read_commands", [](const block::IoTotals& io) { return io.of(block::Op::read).done; }},
    {"write_bytes", [](const block::IoTotals& io) { return io.of(block::Op::write).bytes; }},
    {"write_commands", [](const block::IoTotals& io) { return io.of(block::Op::write).done; }},
    {"write_zeroes_commands", [](const block::IoTotals& io) { return io.of(block::Op::write_zeroes).done; }},
};

class StatisticsDirectory final : public DeviceFolder {
 public:
  using DeviceFolder::DeviceFolder;

 protected:
  std::vector<Attribute> attributes() const override {
    std::vector<Attribute> all;
    for (const Statistic& statistic : kStatistics)
      all.push_back({statistic.name,
                     [device = device_, &statistic] {
                       const auto backend = device->backend();
                       return fmt::to_string(
                           statistic.value(backend == nullptr ? block::IoTotals() : backend->totals()));
                     },
                     nullptr});
    return all;
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
        last_error_attribute(device->last_error()),
        {"udev_path", [device] { return device->notes().udev_path; },
         store_now([device](std::string_view value) -> Result<> {
           device->change_notes([&](DeviceNotes& notes) { notes.udev_path = value; });
           return {};
         })}};
  }
  std::vector<Child> children() const override {
    return {{"attrib", [device = device_] { return std::make_unique<AttribDirectory>(device); }},
            {"statistics", [device = device_] { return std::make_unique<StatisticsDirectory>(device); }},
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
