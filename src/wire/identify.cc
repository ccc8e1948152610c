#include "wire/identify.h"

#include <cstring>

#include "wire/named.h"

namespace weft::wire {
namespace {

constexpr Named<IdentifyCns> kCns[] = {
    {IdentifyCns::ns, "Namespace"},
    {IdentifyCns::controller, "Controller"},
    {IdentifyCns::active_ns_list, "Active Namespace ID List"},
    {IdentifyCns::ns_id_descriptors, "Namespace Identification Descriptor List"},
    {IdentifyCns::nvm_set_list, "NVM Set List"},
    {IdentifyCns::command_set_ns, "I/O Command Set Specific Namespace"},
    {IdentifyCns::command_set_controller, "I/O Command Set Specific Controller"},
    {IdentifyCns::command_set_active_ns_list, "I/O Command Set Specific Active Namespace ID List"},
    {IdentifyCns::independent_ns, "I/O Command Set Independent Namespace"},
    {IdentifyCns::allocated_ns_list, "Allocated Namespace ID List"},
    {IdentifyCns::allocated_ns, "Allocated Namespace"},
    {IdentifyCns::ns_controller_list, "Controller List of Namespace"},
    {IdentifyCns::controller_list, "Controller List"},
    {IdentifyCns::uuid_list, "UUID List"},
    {IdentifyCns::command_set_list, "I/O Command Set List"},
};

}  // namespace

std::string_view name(IdentifyCns cns) {
  return find_name<IdentifyCns>(kCns, cns);
}

bool NamespaceIdWriter::add(NamespaceIdType type, std::span<const std::uint8_t> id) {
  const NamespaceIdDescriptor descriptor{
      static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(id.size()), {}};
  if (sizeof(descriptor) + id.size() > page_.size() - used_) return false;
  std::memcpy(page_.data() + used_, &descriptor, sizeof(descriptor));
  std::memcpy(page_.data() + used_ + sizeof(descriptor), id.data(), id.size());
  used_ += sizeof(descriptor) + id.size();
  return true;
}

}  // namespace weft::wire
