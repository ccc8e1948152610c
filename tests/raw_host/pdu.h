// PDUs as this host writes and reads them.  Sizes, offsets and digests are computed and checked here and not
// by the functions that the target uses: only the layouts are shared.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "raw_host/failure.h"
#include "wire/endian.h"
#include "wire/tcp_pdu.h"

namespace weft::raw_host {

using Bytes = std::vector<std::byte>;

// What was agreed on for one direction.
struct Format {
  bool hdgst = false;
  bool ddgst = false;
  std::uint8_t pda = 0;  // alignment of data that the receiver wants: dwords, zero-based
};

// A PDU that is to be sent.  It is right as it comes out of draft(); a test changes what it likes: the
// digests are computed over what is there when it is sent.
struct Draft {
  Bytes header;
  Bytes padding;
  Bytes data;
  bool hdgst = false;  // append the digest
  bool ddgst = false;
  std::uint32_t spoil_hdgst = 0;  // flips these bits of the digest
  std::uint32_t spoil_ddgst = 0;

  // The header as one of wire::tcp's structs.
  template <wire::WireStruct T>
  T get() const {
    const auto value = wire::load<T>(header);
    if (!value) throw Failure("the header is shorter than what it is read as");
    return *value;
  }
  template <wire::WireStruct T, class Change>
  Draft& edit(Change&& change) {
    T value = get<T>();
    change(value);
    const auto bytes = wire::bytes_of(value);
    std::copy(bytes.begin(), bytes.end(), header.begin());
    return *this;
  }

  Bytes bytes() const;  // as sent
};

// Fills in the common header.  `flags`: kLastPdu, kSuccess; the digests' are added.  ICReq and TermReq have
// no digests, and their data no offset.
Draft draft(wire::tcp::PduType type, std::span<const std::byte> header, std::span<const std::byte> data,
            const Format& format, std::uint8_t flags = 0);

template <wire::WireStruct T>
Draft draft(wire::tcp::PduType type, const T& header, std::span<const std::byte> data, const Format& format,
            std::uint8_t flags = 0) {
  return draft(type, std::span<const std::byte>(wire::bytes_of(header)), data, format, flags);
}

// A PDU that came.
struct Pdu {
  Bytes header;
  Bytes data;

  wire::tcp::CommonHeader common() const { return as<wire::tcp::CommonHeader>(); }
  wire::tcp::PduType type() const { return static_cast<wire::tcp::PduType>(common().type); }
  bool is(wire::tcp::PduType type) const { return this->type() == type; }
  bool has_flag(std::uint8_t flag) const { return (common().flags & flag) != 0; }
  template <wire::WireStruct T>
  T as() const {
    const auto value = wire::load<T>(header);
    if (!value) throw Failure("the PDU's header is shorter than what it is read as");
    return *value;
  }
};

// How a PDU from the controller is laid out, from its first 8 bytes.  Throws Failure for what a host must
// not accept.
struct Layout {
  std::size_t header = 0;
  std::size_t hdgst = 0;  // bytes of digest
  std::size_t padding = 0;
  std::size_t data = 0;
  std::size_t ddgst = 0;
};
Layout layout_of(const wire::tcp::CommonHeader& common, const Format& format);

std::string text(const wire::tcp::CommonHeader& common);  // for messages

}  // namespace weft::raw_host
