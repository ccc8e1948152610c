#include "wire/opcodes.h"

#include "wire/named.h"
#include "wire/sqe.h"

namespace weft::wire {
namespace {

constexpr Named<AdminOpcode> kAdmin[] = {
    {AdminOpcode::delete_io_sq, "Delete I/O Submission Queue"},
    {AdminOpcode::create_io_sq, "Create I/O Submission Queue"},
    {AdminOpcode::get_log_page, "Get Log Page"},
    {AdminOpcode::delete_io_cq, "Delete I/O Completion Queue"},
    {AdminOpcode::create_io_cq, "Create I/O Completion Queue"},
    {AdminOpcode::identify, "Identify"},
    {AdminOpcode::abort, "Abort"},
    {AdminOpcode::set_features, "Set Features"},
    {AdminOpcode::get_features, "Get Features"},
    {AdminOpcode::async_event_request, "Asynchronous Event Request"},
    {AdminOpcode::namespace_management, "Namespace Management"},
    {AdminOpcode::firmware_commit, "Firmware Commit"},
    {AdminOpcode::firmware_image_download, "Firmware Image Download"},
    {AdminOpcode::device_self_test, "Device Self-test"},
    {AdminOpcode::namespace_attachment, "Namespace Attachment"},
    {AdminOpcode::keep_alive, "Keep Alive"},
    {AdminOpcode::directive_send, "Directive Send"},
    {AdminOpcode::directive_receive, "Directive Receive"},
    {AdminOpcode::virtualization_management, "Virtualization Management"},
    {AdminOpcode::nvme_mi_send, "NVMe-MI Send"},
    {AdminOpcode::nvme_mi_receive, "NVMe-MI Receive"},
    {AdminOpcode::capacity_management, "Capacity Management"},
    {AdminOpcode::discovery_information_management, "Discovery Information Management"},
    {AdminOpcode::fabric_zoning_receive, "Fabric Zoning Receive"},
    {AdminOpcode::lockdown, "Lockdown"},
    {AdminOpcode::fabric_zoning_lookup, "Fabric Zoning Lookup"},
    {AdminOpcode::fabric_zoning_send, "Fabric Zoning Send"},
    {AdminOpcode::doorbell_buffer_config, "Doorbell Buffer Config"},
    {AdminOpcode::fabrics, "Fabrics Commands"},
    {AdminOpcode::format_nvm, "Format NVM"},
    {AdminOpcode::security_send, "Security Send"},
    {AdminOpcode::security_receive, "Security Receive"},
    {AdminOpcode::sanitize, "Sanitize"},
    {AdminOpcode::get_lba_status, "Get LBA Status"},
};

constexpr Named<IoOpcode> kIo[] = {
    {IoOpcode::flush, "Flush"},
    {IoOpcode::write, "Write"},
    {IoOpcode::read, "Read"},
    {IoOpcode::write_uncorrectable, "Write Uncorrectable"},
    {IoOpcode::compare, "Compare"},
    {IoOpcode::write_zeroes, "Write Zeroes"},
    {IoOpcode::dataset_management, "Dataset Management"},
    {IoOpcode::verify, "Verify"},
    {IoOpcode::reservation_register, "Reservation Register"},
    {IoOpcode::reservation_report, "Reservation Report"},
    {IoOpcode::reservation_acquire, "Reservation Acquire"},
    {IoOpcode::io_management_receive, "I/O Management Receive"},
    {IoOpcode::reservation_release, "Reservation Release"},
    {IoOpcode::cancel, "Cancel"},
    {IoOpcode::copy, "Copy"},
    {IoOpcode::io_management_send, "I/O Management Send"},
    {IoOpcode::fabrics, "Fabrics Commands"},
};

constexpr Named<FabricsType> kFabrics[] = {
    {FabricsType::property_set, "Property Set"},
    {FabricsType::connect, "Connect"},
    {FabricsType::property_get, "Property Get"},
    {FabricsType::authentication_send, "Authentication Send"},
    {FabricsType::authentication_receive, "Authentication Receive"},
    {FabricsType::disconnect, "Disconnect"},
};

}  // namespace

std::string_view name(AdminOpcode opcode) {
  return find_name<AdminOpcode>(kAdmin, opcode);
}
std::string_view name(IoOpcode opcode) {
  return find_name<IoOpcode>(kIo, opcode);
}
std::string_view name(FabricsType type) {
  return find_name<FabricsType>(kFabrics, type);
}

std::string command_name(const Sqe& sqe, bool is_admin) {
  std::string_view known =
      is_admin ? name(static_cast<AdminOpcode>(sqe.opcode)) : name(static_cast<IoOpcode>(sqe.opcode));
  if (sqe.opcode == kFabricsOpcode) known = name(static_cast<FabricsType>(sqe.fctype()));
  if (known != "Unknown") return std::string(known);
  constexpr std::string_view kDigits = "0123456789abcdef";
  return {'c', 'o', 'm', 'm', 'a', 'n', 'd', ' ', kDigits[sqe.opcode >> 4], kDigits[sqe.opcode & 15], 'h'};
}

}  // namespace weft::wire
