#include "config/attributes.h"

#include <fmt/format.h>

#include <bit>
#include <cerrno>
#include <string>

#include "base/text.h"
#include "config/values.h"

namespace weft::config {

namespace {

using Settings = target::SubsystemSettings;

constexpr std::uint32_t kPageBytes = 4096;
constexpr std::uint64_t kMaxMdts = 9;  // 2 MiB: what one Buffers holds
constexpr std::uint64_t kMaxInCapsuleBytes = 65536;
constexpr std::uint64_t kMaxCntlid = 65519;

std::unexpected<Error> refuse(std::string_view value, std::string_view rule) {
  return fail(EINVAL, fmt::format("\"{}\" {}", value, rule));
}

// A number within bounds into a field.
template <class Field>
Result<> store_number(Field& field, std::string_view value, std::uint64_t min, std::uint64_t max) {
  const auto number = parse_number(value, min, max);
  if (!number) return refuse(value, fmt::format("must be a number from {} to {}", min, max));
  field = static_cast<Field>(*number);
  return {};
}

Result<> store_version(Settings& settings, std::string_view value) {
  for (const wire::Version version :
       {wire::kVersion13, wire::kVersion14, wire::kVersion20, wire::kVersion21}) {
    const std::string shorter = fmt::format("{}.{}", version.major, version.minor);
    if (value != shorter && value != shorter + ".0") continue;
    settings.version = version;
    return {};
  }
  return refuse(value, "must be 1.3, 1.4, 2.0 or 2.1");
}

Result<> store_cntlid_min(Settings& settings, std::string_view value) {
  std::uint16_t min = 0;
  if (auto stored = store_number(min, value, 1, kMaxCntlid); !stored) return stored;
  if (min > settings.cntlid_max)
    return refuse(value, fmt::format("must not be above attr_cntlid_max, which is {}", settings.cntlid_max));
  settings.cntlid_min = min;
  return {};
}

Result<> store_cntlid_max(Settings& settings, std::string_view value) {
  std::uint16_t max = 0;
  if (auto stored = store_number(max, value, 1, kMaxCntlid); !stored) return stored;
  if (max < settings.cntlid_min)
    return refuse(value, fmt::format("must not be below attr_cntlid_min, which is {}", settings.cntlid_min));
  settings.cntlid_max = max;
  return {};
}

Result<> store_mdts(Settings& settings, std::string_view value) {
  unsigned power = 0;
  if (auto stored = store_number(power, value, 1, kMaxMdts); !stored) return stored;
  settings.mdts_bytes = kPageBytes << power;
  return {};
}

Result<> store_in_capsule(Settings& settings, std::string_view value) {
  std::uint32_t bytes = 0;
  if (auto stored = store_number(bytes, value, 0, kMaxInCapsuleBytes); !stored) return stored;
  if (bytes % 16 != 0) return refuse(value, "must be a multiple of 16");
  settings.in_capsule_bytes = bytes;
  return {};
}

constexpr AttributeRow<Settings> kRows[] = {
    {"attr_allow_any_host", "1: every host may use the subsystem; 0: only those below hosts/; default 0",
     Mutability::live, [](const Settings& s) -> std::string { return s.allow_any_host ? "1" : "0"; },
     [](Settings& s, std::string_view value) -> Result<> {
       const auto flag = read_flag(value);
       if (!flag) return std::unexpected(flag.error());
       s.allow_any_host = *flag;
       return {};
     }},
    {"attr_cntlid_max", "highest controller id, 1 to 65519; default 65519", Mutability::live,
     [](const Settings& s) { return fmt::to_string(s.cntlid_max); }, store_cntlid_max},
    {"attr_cntlid_min", "lowest controller id, 1 to 65519; default 1", Mutability::live,
     [](const Settings& s) { return fmt::to_string(s.cntlid_min); }, store_cntlid_min},
    {"attr_firmware", "firmware revision, 1 to 8 ASCII characters; default the version of Weft",
     Mutability::locked, [](const Settings& s) { return s.firmware; },
     [](Settings& s, std::string_view value) { return store_text(s.firmware, value, 8); }},
    {"attr_ieee_oui", "IEEE OUI, below 0x1000000; default 0x000000", Mutability::locked,
     [](const Settings& s) { return fmt::format("0x{:06x}", s.ieee_oui); },
     [](Settings& s, std::string_view value) { return store_number(s.ieee_oui, value, 0, 0xFFFFFF); }},
    {"attr_model", "model number, 1 to 40 ASCII characters; default Weft", Mutability::locked,
     [](const Settings& s) { return s.model; },
     [](Settings& s, std::string_view value) { return store_text(s.model, value, 40); }},
    {"attr_qid_max", "most I/O queues of a controller, 1 to 128; default 128", Mutability::live,
     [](const Settings& s) { return fmt::to_string(s.qid_max); },
     [](Settings& s, std::string_view value) { return store_number(s.qid_max, value, 1, 128); }},
    {"attr_serial", "serial number, 1 to 20 ASCII characters; default made from the NQN", Mutability::locked,
     [](const Settings& s) { return s.serial; },
     [](Settings& s, std::string_view value) { return store_text(s.serial, value, 20); }},
    {"attr_subsys_vendor_id", "PCI subsystem vendor id, 16 bits; default 0x0000", Mutability::live,
     [](const Settings& s) { return fmt::format("0x{:04x}", s.subsystem_vendor_id); },
     [](Settings& s, std::string_view value) {
       return store_number(s.subsystem_vendor_id, value, 0, 0xFFFF);
     }},
    {"attr_vendor_id", "PCI vendor id, 16 bits; default 0x0000", Mutability::live,
     [](const Settings& s) { return fmt::format("0x{:04x}", s.vendor_id); },
     [](Settings& s, std::string_view value) { return store_number(s.vendor_id, value, 0, 0xFFFF); }},
    {"attr_version", "NVMe version that is reported: 1.3, 1.4, 2.0 or 2.1; default 2.1", Mutability::locked,
     [](const Settings& s) { return fmt::format("{}.{}", s.version.major, s.version.minor); }, store_version},
    {"param_inline_data_size", "bytes of data in a capsule, 0 to 65536, a multiple of 16; default 16384",
     Mutability::live, [](const Settings& s) { return fmt::to_string(s.in_capsule_bytes); },
     store_in_capsule},
    {"param_max_queue_size", "entries of an I/O queue, 16 to 1024; default 1024", Mutability::live,
     [](const Settings& s) { return fmt::to_string(s.queue_entries); },
     [](Settings& s, std::string_view value) { return store_number(s.queue_entries, value, 16, 1024); }},
    {"param_mdts", "most data of a command, as a power of two of 4096 bytes, 1 to 9; default 8 (1 MiB)",
     Mutability::live,
     [](const Settings& s) { return fmt::to_string(std::countr_zero(s.mdts_bytes / kPageBytes)); },
     store_mdts},
};

}  // namespace

std::span<const AttributeRow<target::SubsystemSettings>> subsystem_attributes() {
  return kRows;
}

}  // namespace weft::config
