#include "config/address_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <span>
#include <vector>

namespace weft::config {

namespace {

using wire::AddressFamily;
using wire::TransportType;

template <class Code>
struct Word {
  std::string_view text;
  Code code;
};

constexpr Word<TransportType> kTransportTypes[] = {{"rdma", TransportType::rdma},
                                                   {"fc", TransportType::fc},
                                                   {"tcp", TransportType::tcp},
                                                   {"pci", TransportType::unspecified},
                                                   {"loop", TransportType::loop}};

constexpr Word<AddressFamily> kAddressFamilies[] = {
    {"ipv4", AddressFamily::ipv4}, {"ipv6", AddressFamily::ipv6}, {"ib", AddressFamily::ib},
    {"fc", AddressFamily::fc},     {"pci", AddressFamily::pci},   {"loop", AddressFamily::loop}};

constexpr Word<std::uint8_t> kRequirements[] = {{"not specified", wire::kTreqNotSpecified},
                                                {"required", wire::kTreqRequired},
                                                {"not required", wire::kTreqNotRequired}};

template <class Code>
Result<> store_word(std::string& into, std::string_view value, std::span<const Word<Code>> words) {
  if (std::ranges::find(words, value, &Word<Code>::text) != words.end()) {
    into = value;
    return {};
  }
  std::vector<std::string_view> known;
  for (const auto& word : words) known.push_back(word.text);
  return fail(EINVAL, fmt::format("\"{}\" must be one of: {}", value, fmt::join(known, ", ")));
}

template <class Code>
Code code_of(std::string_view value, std::span<const Word<Code>> words, Code otherwise) {
  const auto it = std::ranges::find(words, value, &Word<Code>::text);
  return it == words.end() ? otherwise : it->code;
}

Result<> store_field(std::string& into, std::string_view value, std::size_t most) {
  const bool fits =
      value.size() <= most && std::ranges::all_of(value, [](char c) { return c > ' ' && c <= '~'; });
  if (!fits)
    return fail(EINVAL, fmt::format("\"{}\" must be at most {} printable ASCII characters without blanks",
                                    value, most));
  into = value;
  return {};
}

}  // namespace

Result<> store_trtype(std::string& into, std::string_view value) {
  return store_word<TransportType>(into, value, kTransportTypes);
}

// Empty as Linux shows it where nobody has written one.
Result<> store_adrfam(std::string& into, std::string_view value) {
  if (!value.empty()) return store_word<AddressFamily>(into, value, kAddressFamilies);
  into.clear();
  return {};
}

Result<> store_traddr(std::string& into, std::string_view value) {
  return store_field(into, value, std::size(wire::DiscoveryLogEntry().traddr));
}

Result<> store_trsvcid(std::string& into, std::string_view value) {
  return store_field(into, value, std::size(wire::DiscoveryLogEntry().trsvcid));
}

Result<> store_treq(std::string& into, std::string_view value) {
  return store_word<std::uint8_t>(into, value, kRequirements);
}

TransportType trtype_code(std::string_view word) {
  return code_of<TransportType>(word, kTransportTypes, TransportType::unspecified);
}

AddressFamily adrfam_code(std::string_view word) {
  return code_of<AddressFamily>(word, kAddressFamilies, AddressFamily::ipv4);
}

std::uint8_t treq_code(std::string_view word) {
  return code_of<std::uint8_t>(word, kRequirements, wire::kTreqNotSpecified);
}

}  // namespace weft::config
