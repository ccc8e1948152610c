// The words and lengths that the addr_ attributes of ports and referrals take.  Pure functions; errors are
// EINVAL and name the value and the rule.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/log_page.h"

namespace weft::config {

Result<> store_trtype(std::string& into, std::string_view value);   // rdma, fc, tcp, pci, loop
Result<> store_adrfam(std::string& into, std::string_view value);   // ipv4, ipv6, ib, fc, pci, loop, or empty
Result<> store_traddr(std::string& into, std::string_view value);   // at most 256 characters
Result<> store_trsvcid(std::string& into, std::string_view value);  // at most 32
Result<> store_treq(std::string& into, std::string_view value);     // not specified, required, not required

// Of a word that was stored.
wire::TransportType trtype_code(std::string_view word);
wire::AddressFamily adrfam_code(std::string_view word);
std::uint8_t treq_code(std::string_view word);

}  // namespace weft::config
