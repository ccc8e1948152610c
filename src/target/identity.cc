#include "target/identity.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace weft::target {

namespace {

std::array<std::uint8_t, 20> sha1(std::string_view text) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  WEFT_CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha1(), nullptr) == 1 &&
             length == 20);
  std::array<std::uint8_t, 20> result{};
  std::copy_n(digest.begin(), result.size(), result.begin());
  return result;
}

std::string name_of(const Uuid& unit_serial, std::string_view salt, std::string_view nqn, Nsid nsid) {
  std::string name(unit_serial.bytes.begin(), unit_serial.bytes.end());
  name.append(salt).append(nqn).append("#").append(std::to_string(nsid.value()));
  return name;
}

}  // namespace

Uuid namespace_uuid(const Uuid& unit_serial, std::string_view nqn, Nsid nsid) {
  const auto digest = sha1(name_of(unit_serial, "uuid:", nqn, nsid));
  Uuid uuid;
  std::copy_n(digest.begin(), uuid.bytes.size(), uuid.bytes.begin());
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0F) | 0x50);
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3F) | 0x80);
  return uuid;
}

Nguid namespace_nguid(const Uuid& unit_serial, std::string_view nqn, Nsid nsid) {
  const auto digest = sha1(name_of(unit_serial, "nguid:", nqn, nsid));
  Nguid nguid{};
  std::copy_n(digest.begin(), nguid.size(), nguid.begin());
  return nguid;
}

std::string default_serial(std::string_view nqn) {
  const auto digest = sha1(std::string("serial:").append(nqn));
  return hex_text(digest.data(), 10);
}

}  // namespace weft::target
