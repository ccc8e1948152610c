// Everything that takes apart what people write: names, addresses, numbers.  What is accepted reads back as
// itself.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/text.h"
#include "config/attributes.h"
#include "config/port_name.h"
#include "net/address.h"
#include "wire/nqn.h"

namespace weft {
namespace {

template <class Object>
void check_attributes(std::span<const AttributeRow<Object>> rows, std::string_view text) {
  for (const auto& row : rows) {
    Object settings;
    if (!row.store(settings, text)) continue;
    const std::string shown = row.show(settings);
    Object again;
    WEFT_CHECK(row.store(again, shown).has_value());
    WEFT_CHECK(row.show(again) == shown);
  }
}

void check_names(std::string_view text) {
  if (const auto port = config::PortName::parse(text)) WEFT_CHECK(port->text() == text);
  if (const auto address = config::parse_address(text))
    WEFT_CHECK(config::address_text(address->traddr, address->trsvcid) == text);
  if (const auto address = net::Address::parse_with_port(text))
    WEFT_CHECK(net::Address::parse_with_port(address->text()).value() == *address);
  if (const auto address = net::Address::parse(text, 1))
    WEFT_CHECK(net::Address::parse(address->host_text(), 1).value() == *address);
  const auto flaw = wire::nqn_flaw(text);
  WEFT_CHECK((flaw == wire::NqnFlaw::none) == wire::is_usable_nqn(text));
  WEFT_CHECK(!wire::describe(flaw).empty() || flaw == wire::NqnFlaw::none);
  if (wire::nqn_form(text) == wire::NqnForm::uuid) WEFT_CHECK(text.starts_with(wire::kUuidNqnPrefix));
}

void check_numbers(std::string_view text) {
  if (const auto number = parse_number(text, 1, 100)) WEFT_CHECK(*number >= 1 && *number <= 100);
  if (const auto bytes = parse_size(text)) WEFT_CHECK(!size_text(*bytes).empty());
  if (const auto uuid = parse_uuid(text)) WEFT_CHECK(parse_uuid(uuid_text(*uuid)) == uuid);
  WEFT_CHECK(parse_bool(text).has_value() == (text == "0" || text == "1"));
  WEFT_CHECK(trim(text).size() <= text.size());
}

}  // namespace
}  // namespace weft

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  weft::check_names(text);
  weft::check_numbers(text);
  weft::check_attributes(weft::config::subsystem_attributes(), text);
  weft::check_attributes(weft::config::device_identity_attributes(), text);
  return 0;
}
