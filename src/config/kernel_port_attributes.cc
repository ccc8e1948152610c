#include <utility>

#include "config/address_words.h"
#include "config/attributes.h"

namespace weft::config {

namespace {

using Row = AttributeRow<KernelPortEntry>;

// Sizes of the subsystems that the port links, where it says anything else than the default.
struct Param {
  std::string_view name;
  std::string_view help;
  std::string_view unset;  // as Linux shows the default; -1 is always taken for it
};

template <const Param& kParam>
constexpr Row param_row() {
  return {kParam.name, kParam.help, Mutability::locked,
          [](const KernelPortEntry& entry) {
            const auto its = entry.params.find(std::string(kParam.name));
            return its == entry.params.end() ? std::string(kParam.unset) : its->second;
          },
          [](KernelPortEntry& entry, std::string_view value) -> Result<> {
            const std::string name(kParam.name);
            if (value == kParam.unset || value == "-1") {
              entry.params.erase(name);
              return {};
            }
            const auto& setting = *find_attribute(subsystem_attributes(), kParam.name);
            target::SubsystemSettings settings;
            if (auto stored = setting.store(settings, value); !stored) return stored;
            entry.params.insert_or_assign(name, setting.show(settings));
            return {};
          }};
}

template <auto kField, auto kStore>
constexpr Row address_row(std::string_view name, std::string_view help) {
  return {name, help, Mutability::locked, [](const KernelPortEntry& entry) { return entry.*kField; },
          [](KernelPortEntry& entry, std::string_view value) { return kStore(entry.*kField, value); }};
}

constexpr Param kInline = {"param_inline_data_size", "in-capsule data of its subsystems; -1: their own",
                           "-1"};
constexpr Param kMdts = {"param_mdts", "MDTS of its subsystems; 0: their own", "0"};
constexpr Param kQueue = {"param_max_queue_size", "most entries of a queue of its subsystems; -1: their own",
                          "-1"};

constexpr Row kRows[] = {
    address_row<&KernelPortEntry::adrfam, store_adrfam>("addr_adrfam", "ipv4, ipv6, ib, fc, pci or loop"),
    address_row<&KernelPortEntry::traddr, store_traddr>("addr_traddr", "address, at most 256 characters"),
    address_row<&KernelPortEntry::trsvcid, store_trsvcid>(
        "addr_trsvcid", "service id, at most 32 characters: the port of TCP"),
    address_row<&KernelPortEntry::trtype, store_trtype>("addr_trtype", "tcp, rdma, fc, pci or loop"),
    param_row<kInline>(),
    param_row<kQueue>(),
    param_row<kMdts>(),
};

}  // namespace

std::span<const Row> kernel_port_attributes() {
  return kRows;
}

}  // namespace weft::config
